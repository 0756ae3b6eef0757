"""The threads of a pipeline: in which order they begin, and which of them hang."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.stand_ins import PATIENCE_S, Gate, Heavy, Pass, Words, pipeline
from vflow.runtime.threads import Threads

TEXT = """
nodes:
  words: {use: t.words, count: 3}
  pass:  {use: t.pass}
  heavy: {use: t.heavy}
  sink:  {use: t.collect}
links: [words -> pass -> heavy -> sink]
"""


def test_threads_begin_in_the_order_of_the_graph_and_sources_last() -> None:
    begun: list[str] = []
    running = pipeline(TEXT)
    for segment in running.threads.segments:
        start = segment.thread.start
        segment.thread.start = lambda name=segment.name, start=start: (begun.append(name), start())  # type: ignore[method-assign,misc]
    with running:
        assert running.wait(PATIENCE_S)
    assert begun == ["heavy", "sink", "words"]


def test_last_thread_to_end_is_recognised() -> None:
    segments: list[Any] = [object(), object()]
    threads = Threads([])
    threads._running = set(segments)
    assert not threads.ended(segments[0])
    assert threads.ended(segments[1])


def test_the_nodes_of_a_thread_that_hangs_are_named_by_the_deadline() -> None:
    gate = Gate()

    class Hangs(Heavy):
        def process(self, packet: Any) -> Any:
            gate.pass_through()

    class Behind(Pass):
        pass

    text = TEXT.replace("heavy: {use: t.heavy}", "heavy: {use: t.hangs}").replace(
        "sink:  {use: t.collect}", "sink: {use: t.behind}"
    )
    running = pipeline(text, hangs=Hangs, behind=Behind, words=Words).start()
    gate.wait_reached()
    threads = running.threads
    threads.stop()
    assert threads.join(time.monotonic() + 0.05) == ["heavy", "sink"]
    assert threads.alive
    gate.open()
    assert threads.join(time.monotonic() + PATIENCE_S) == []
    assert not threads.alive
    running.stop()


def test_a_pipeline_knows_its_own_threads() -> None:
    running = pipeline(TEXT)
    assert all(running.threads.owns(segment.thread) for segment in running.threads.segments)
    assert not running.threads.owns(threading.current_thread())
