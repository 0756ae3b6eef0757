"""The threads of a pipeline: start them in order, end them together, and name those that hang."""

from __future__ import annotations

import threading
import time

from vflow.runtime.call_times import CallCounts, CallStats
from vflow.runtime.segment import Segment


class Threads:
    """The thread of each segment. Any thread may call."""

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments
        self._lock = threading.Lock()
        self._running: set[Segment] = set()  # guarded by _lock

    def start(self) -> None:
        """Start the threads in the order of the graph, but sources last."""
        with self._lock:
            self._running = set(self.segments)
        for segment in sorted(self.segments, key=lambda segment: not segment.inbox.links):
            segment.thread.start()

    def call_counts(self) -> list[CallCounts]:
        """Return the counts of each thread that reads links."""
        return [
            segment.calls.counts(tuple(runner.name for runner in segment.runners))
            for segment in self.segments
            if segment.inbox.links
        ]

    def call_stats(self) -> list[CallStats]:
        """Return the figures of each thread that reads links."""
        return [counts.stats() for counts in self.call_counts()]

    def ended(self, segment: Segment) -> bool:
        """Note that a segment's thread ends. Return whether it is the last one."""
        with self._lock:
            self._running.discard(segment)
            return not self._running

    def drain(self) -> None:
        """Let the sources end their streams."""
        for segment in self.segments:
            segment.drain()

    def stop(self) -> None:
        """Tell every thread to leave at its next check; do not wait for it."""
        for segment in self.segments:
            segment.stop()

    def join(self, until: float) -> list[str]:
        """Wait for the threads until `until` (`time.monotonic`). Return the nodes of those that still run."""
        hung: list[str] = []
        for segment in self.segments:
            if segment.thread.ident is not None:
                segment.thread.join(max(0.0, until - time.monotonic()))
            if segment.thread.is_alive():
                hung += [runner.name for runner in segment.runners]
        return hung

    def owns(self, thread: threading.Thread) -> bool:
        """Return whether a thread is one of these."""
        return any(segment.thread is thread for segment in self.segments)

    @property
    def alive(self) -> bool:
        """Whether any of the threads still runs."""
        return any(segment.thread.is_alive() for segment in self.segments)
