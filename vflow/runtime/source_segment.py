"""The segment of a source: its thread runs the source's stream and reads no link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vflow.errors import Drained, Flushed, Stopped
from vflow.event import Eos
from vflow.runtime.runner import Runner
from vflow.runtime.segment import Segment


class SourceSegment(Segment):
    """One thread, a source, and the nodes that the source calls. A restarted source begins a new stream."""

    _again: bool
    """Whether to call `produce` again, since the source was restarted."""

    def _work(self) -> None:
        """Run the stream until it ends or is drained, then send the eos."""
        source = self.head.node
        try:
            self._again = True
            while self._again:
                self.head.run(lambda _: self._until_drained(source.produce()), None, 0)
        except (Drained, Flushed):
            self.apply_all()
        self._deliver(self.head.event, Eos(pts_ns=self.owner.clock.now_ns()))

    def _until_drained(self, emissions: Iterable[Any]) -> Iterator[Any]:
        self.check()
        for emitted in emissions:
            if self._stopping:
                raise Stopped
            yield emitted
            if self._draining:
                break
            if self._flushes.queue:
                self.apply_all()
        self._again = False  # this stream has ended: no failure before it matters now

    def failed(self, runner: Runner, error: BaseException) -> None:
        self._leave_child()
        # if a node that the source calls has failed, the stream goes on, and sets this to False at its end
        self._again = self.owner.failed(self, runner, error)
