"""The spans of `vflow run`: of each turn as it ends, or after the run where recordings correct the times."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Iterator

from vflow.bus import Message
from vflow.errors import Diagnostic, GraphError, Place, VflowError
from vflow.otel.span_export import SpanExport, begin
from vflow.otel.turn_feed import TurnFeed
from vflow.printing import indented, write
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline

END_S, HURRY_S = 3.0, 0.5
"""How long the last spans may take at the end; and after a signal, which promises an end within 5 s."""
_ENDS = ("played", "flush", "event")
"""Kinds of messages with which a turn may end."""


class RunSpans:
    """The spans of all runs of one command. `tell` takes warnings."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.export: SpanExport | None = None
        self.within_s = END_S
        self._feed: TurnFeed | None = None

    def follow(self, pipeline: Pipeline, log: TurnLog, corrected: bool) -> None:
        """Send the turns of a run. Those of one that is `corrected` at its end are sent then. Call it after
        the log listens."""
        if self.export is None:
            return
        feed = self._feed = TurnFeed(self.export, secrets.token_hex(4), pipeline, log)

        def listen(message: Message) -> None:
            if message.kind in _ENDS:
                feed.more()

        if not corrected:
            pipeline.bus.listen(listen)

    def end(self, hurry: bool) -> None:
        """Send what is left of a run. In a `hurry` the command waits less for that."""
        self.within_s = HURRY_S if hurry else END_S
        if self._feed is not None:
            self._feed.end()
            self._feed = None


@contextlib.contextmanager
def wanted(args: argparse.Namespace) -> Iterator[RunSpans]:
    """Inside the context runs send spans where `--otel` or the environment asks for them. Raises: GraphError
    for an option that cannot be done."""
    spans = RunSpans(lambda line: None if args.quiet else _print(line))
    try:
        spans.export = begin(args.otel, os.environ, lambda line: spans.tell(line))
    except VflowError as error:
        raise GraphError([Diagnostic(str(error), Place("--otel"))]) from None
    try:
        yield spans
    finally:
        if spans.export is not None:
            spans.export.close(spans.within_s)


def _print(line: str) -> None:
    write(indented(line), sys.stderr)
