"""Holds: which replies wait, who lets them go, and that none waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Gate, Heavy, Speaker, Words, pipeline, word
from vflow import MS, SECOND, ManualClock, Message, Pipeline
from vflow.runtime.holds import LONGEST_NS

TEXT = """
nodes:
  words:  {use: t.words}
  guard:  {use: t.guard, on_error: {restart: 1}}
  reply:  {use: t.reply}
  first:  {use: t.holder}
  second: {use: t.holder}
  idle:   {use: t.idle}
  other:  {use: t.holder}
links: [words -> guard -> reply -> first, reply -> second, idle -> other]
"""


class Reply(Heavy):
    generates = True


class Guard(Heavy):
    """Holds the reply when the test says so."""

    def process(self, packet: Any) -> Any:
        if packet.index == 1:
            raise ValueError("broken")
        return packet


class Holder(Speaker):
    """A speaker that notes the calls of `hold`."""

    def open(self) -> None:
        super().open()
        self.holds: list[bool] = []

    def hold(self, held: bool) -> None:
        self.holds.append(held)


class Idle(Words):
    """Emits nothing, and does not end."""

    def produce(self) -> Iterator[Any]:
        self.ctx.wait_until()
        yield word(0)


class Waits(Words):
    """A source of the packets that the test gives it."""

    def open(self) -> None:
        self.given: list[int] = []
        self.over = False

    def give(self, index: int) -> None:
        self.given.append(index)
        self.ctx.notify()

    def produce(self) -> Iterator[Any]:
        while not self.over or self.given:
            while self.given:
                yield word(self.given.pop(0), turn=1)
            self.ctx.wait_until()


class Time(ManualClock):
    """A manual clock that the test moves too."""

    def pass_ns(self, ns: int) -> None:
        with self._lock:
            self._now_ns += ns


def made(clock: Time, holder: type[Holder] = Holder) -> Pipeline:
    return pipeline(TEXT, clock, words=Waits, guard=Guard, reply=Reply, holder=holder, idle=Idle)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def running(clock: Time) -> Iterator[Pipeline]:
    with made(clock) as running:
        yield running


def holds(running: Pipeline) -> list[list[bool]]:
    return [running.nodes[name].holds for name in ("first", "second", "other")]  # type: ignore[attr-defined]


def told(running: Pipeline, *kinds: str) -> list[tuple[str, str, int]]:
    found = []
    while (message := running.bus.get(0)) is not None:
        if message.kind == "hold":
            data = message.data
            found.append((data["node"], data["phase"], data["held_ns"]))
        elif message.kind in kinds:
            found.append((message.source, message.text, 0))
    return found


def test_the_sinks_below_the_generators_of_a_node_hold_and_go_on_and_no_others(
    running: Pipeline, clock: Time
) -> None:
    guard = running.nodes["guard"].ctx
    guard.hold(True)
    clock.pass_ns(200 * MS)
    guard.hold(True)  # it holds already
    assert holds(running) == [[True], [True], []]
    guard.hold(False)
    guard.hold(False)
    assert holds(running) == [[True, False], [True, False], []]
    assert told(running) == [("guard", "begun", 0), ("guard", "released", 200 * MS)]


def test_a_node_with_no_reply_below_it_holds_nothing(running: Pipeline) -> None:
    running.nodes["idle"].ctx.hold(True)
    running.nodes["first"].ctx.hold(True)
    assert holds(running) == [[], [], []]
    assert told(running) == []


def test_sink_goes_on_after_the_last_node_releases_it(running: Pipeline) -> None:
    running.nodes["guard"].ctx.hold(True)
    running.nodes["words"].ctx.hold(True)
    running.nodes["guard"].ctx.hold(False)
    assert holds(running)[0] == [True, True]
    running.nodes["words"].ctx.hold(False)
    assert holds(running)[0] == [True, True, False]


def test_flush_ends_a_hold_and_is_posted_before_it(running: Pipeline, clock: Time) -> None:
    running.nodes["guard"].ctx.hold(True)
    clock.pass_ns(30 * MS)
    running.nodes["guard"].ctx.interrupt(0)
    assert holds(running)[0] == [True, False]
    running.nodes["guard"].ctx.hold(False)
    assert holds(running)[0] == [True, False]
    assert told(running, "flush") == [
        ("guard", "begun", 0),
        ("pipeline", "", 0),
        ("guard", "flushed", 30 * MS),
    ]


def test_a_flush_of_other_sinks_ends_no_hold(running: Pipeline) -> None:
    running.nodes["guard"].ctx.hold(True)
    running.flush(0, ["idle"])
    assert holds(running)[0] == [True]


def test_a_hold_that_nobody_releases_ends_within_2_s_with_a_warning(running: Pipeline, clock: Time) -> None:
    running.nodes["guard"].ctx.hold(True)
    clock.pass_ns(LONGEST_NS - 1)
    running._look_after()
    assert holds(running)[0] == [True]
    clock.pass_ns(1)
    running._look_after()
    assert holds(running) == [[True, False], [True, False], []]
    text = "the reply was held for 1500ms: guard has not released it; it goes on"
    assert told(running, "warning") == [
        ("guard", "begun", 0),
        ("guard", text, 0),
        ("guard", "given_up", LONGEST_NS),
    ]
    assert LONGEST_NS + SECOND / 2 <= 2 * SECOND, "the watchdog looks twice a second"


def test_node_that_ends_releases_its_hold(running: Pipeline) -> None:
    ended: list[Message] = []
    running.bus.listen(lambda message: ended.append(message) if message.kind == "hold" else None)
    running.nodes["guard"].ctx.hold(True)
    running.nodes["words"].over = True  # type: ignore[attr-defined]
    running.nodes["words"].ctx.notify()
    running._wiring.segments["guard"].thread.join(PATIENCE_S)
    assert [message.data["phase"] for message in ended] == ["begun", "given_up"]
    assert any("guard has ended" in text for _, text, _ in told(running, "warning"))


def test_node_that_restarts_releases_its_hold(running: Pipeline) -> None:
    released = Gate()
    running.bus.listen(
        lambda message: released.pass_through() if message.data.get("phase") == "given_up" else None
    )
    running.nodes["guard"].ctx.hold(True)
    running.nodes["words"].give(1)  # type: ignore[attr-defined]
    released.wait_reached()
    released.open()
    assert holds(running)[0] == [True, False]


def test_stopping_releases_holds_without_a_warning(clock: Time) -> None:
    running = made(clock)
    with running:
        running.nodes["guard"].ctx.hold(True)
    assert not [m for m in running.bus if m.kind == "warning"]


def test_a_hold_that_a_flush_overtakes_does_not_stay(clock: Time) -> None:
    class Late(Holder):
        """A speaker that the application flushes just before it holds."""

        def hold(self, held: bool) -> None:
            if held:
                running.flush(0)
            super().hold(held)

    running = made(clock, Late)
    with running:
        running.nodes["guard"].ctx.hold(True)
        assert [asked[-1] for asked in holds(running)[:2]] == [False, False]


def test_a_sink_that_raises_fails_the_pipeline_in_its_own_name(clock: Time) -> None:
    class Broken(Holder):
        def hold(self, held: bool) -> None:
            raise OSError("gone")

    running = made(clock, Broken)
    with running:
        running.nodes["guard"].ctx.hold(True)
        assert running.failure is not None
        assert running.failure.node == "first"  # type: ignore[attr-defined]
