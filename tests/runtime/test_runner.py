from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.stand_ins import Pass, word
from vflow import (
    Audio,
    AudioPacket,
    Eos,
    Event,
    Harness,
    In,
    Node,
    NodeError,
    Out,
    Packet,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    TurnEnd,
)


class Emits(Node):
    """Returns whatever the test says."""

    text = In(Text("word"))
    out = Out(Text("word"))
    answer: Any = None

    def process(self, packet: TextPacket) -> Any:
        return self.answer


def emitted(answer: Any) -> list[Any]:
    with Harness(Emits()) as harness:
        harness.node.__dict__["answer"] = answer
        return harness.push(word(0))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, []),
        ([], []),
        (word(1), [word(1)]),
        ([word(1), None, word(2)], [word(1), word(2)]),
        ((word(1), word(2)), [word(1), word(2)]),
        (iter([word(1)]), [word(1)]),
        (SpeechEnd(), [SpeechEnd()]),
        ((Emits.out, word(1)), [word(1)]),
        ([(Emits.out, word(1)), word(2)], [word(1), word(2)]),
    ],
)
def test_one_item_or_several_or_none_may_be_emitted(answer: Any, expected: list[Any]) -> None:
    assert emitted(answer) == expected


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("text", "emitted str"),
        (b"bytes", "emitted bytes"),
        (7, "emitted int"),
        ([word(1), 7], "emitted int"),
        ({"text": 1}, "emitted str"),
        (Packet(), "emitted Packet, but node.out carries"),
        ((Pass.out, word(1)), "not its own output; outputs: out"),
        (Eos(), "emitted an eos: the runtime does that"),
    ],
)
def test_value_of_a_wrong_type_is_refused_with_node_and_value(answer: Any, said: str) -> None:
    with pytest.raises(NodeError, match=said) as raised:
        emitted(answer)
    assert raised.value.node == "node"


class Two(Node):
    text = In(Text("word"))
    left = Out(Text("word"))
    right = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        return packet if packet.index else (self.right, packet)


def test_a_node_with_several_outputs_says_which_one() -> None:
    with Harness(Two()) as harness:
        harness.push(word(0))
        assert harness.pull("right") == [word(0)]
        assert harness.pull("left") == []
        with pytest.raises(NodeError, match=r"2 outputs: yield \(self.port, packet\); outputs: left, right"):
            harness.push(word(1))


class Ports(Node):
    one = In(Text("word"))
    two = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        return packet.replace(text="any")

    def process_two(self, packet: TextPacket) -> Any:
        return packet.replace(text="two")


def test_an_input_may_have_a_method_of_its_own() -> None:
    with Harness(Ports()) as harness:
        harness.push(word(0), "one")
        harness.push(word(0), "two")
        assert [item.text for item in harness.pull() if isinstance(item, TextPacket)] == ["any", "two"]


class Marks(Node):
    """Emits a word before each event, and keeps turn ends to itself."""

    swallows: ClassVar[tuple[type[Event], ...]] = (TurnEnd,)
    text = In(Text("word"))
    other = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        return packet

    def on_event(self, event: Event) -> Any:
        return word(9)


def test_emissions_for_an_event_come_before_the_event() -> None:
    with Harness(Marks()) as harness:
        assert harness.event(SpeechStart()) == [word(9), SpeechStart()]


def test_a_swallowed_event_ends_at_the_node() -> None:
    with Harness(Marks()) as harness:
        assert harness.event(TurnEnd()) == [word(9)]


def test_an_eos_passes_once_all_inputs_have_ended_and_cannot_be_swallowed() -> None:
    class Swallows(Marks):
        swallows = (Event,)

    for node in (Marks(), Swallows()):
        with Harness(node) as harness:
            assert harness.event(Eos()) == []
            assert harness.event(Eos()) == [word(9), Eos()]


class Raises(Pass):
    def process(self, packet: TextPacket) -> Any:
        raise ValueError("no such word")

    def on_event(self, event: Event) -> Any:
        raise ValueError("no such event")

    def on_timer(self) -> Any:
        raise ValueError("no such time")


def test_error_of_a_node_names_it_and_keeps_its_cause() -> None:
    for act in (
        lambda harness: harness.push(word(0)),
        lambda harness: harness.event(SpeechEnd()),
        lambda harness: (harness.wake_at(0), harness.advance(1)),
    ):
        with Harness(Raises(), name="stt") as harness:
            with pytest.raises(
                NodeError, match=r"stt: test_runner.py:\d+ in \w+: ValueError: no such"
            ) as raised:
                act(harness)
            assert isinstance(raised.value.__cause__, ValueError)


class Steps(Pass):
    """A generator that notes how it was closed."""

    closed = False

    def process(self, packet: TextPacket) -> Iterator[Any]:
        try:
            yield packet
            yield "rubbish"
            yield packet
        finally:
            self.closed = True


def test_a_generator_that_emits_rubbish_is_closed_before_the_failure_is_handled() -> None:
    with Harness(node := Steps()) as harness:
        with pytest.raises(NodeError, match="emitted str"):
            harness.push(word(0))
        assert node.closed
        assert harness.pull() == [word(0)]


class BadEnd(Pass):
    def process(self, packet: TextPacket) -> Iterator[Any]:
        try:
            yield "rubbish"
        finally:
            raise OSError("cannot clean up")


def test_an_error_while_a_generator_is_closed_is_the_nodes() -> None:
    with Harness(BadEnd()) as harness, pytest.raises(NodeError, match="cannot clean up"):
        harness.push(word(0))


class Waits(Pass):
    async def process(self, packet: TextPacket) -> Any:
        return [packet, packet]


class Streams(Pass):
    async def process(self, packet: TextPacket) -> AsyncIterator[Any]:
        for _ in range(3):
            yield packet


@pytest.mark.parametrize(("node", "count"), [(Waits(), 2), (Streams(), 3)])
def test_coroutines_and_asynchronous_generators_emit_all_they_have(node: Node, count: int) -> None:
    with Harness(node) as harness:
        assert harness.push(word(0)) == [word(0)] * count
        assert harness.push(word(1)) == [word(0)] * count + [word(1)] * count


class Breaks(Node):
    """A generator that writes a word of each reply and raises."""

    generates = True
    audio = In(Audio())
    text = In(Text("final"), optional=True)
    transcript = Out(Text("final"))
    words = Out(Text("word"))
    ends: ClassVar[bool] = False

    def process_audio(self, packet: AudioPacket) -> Any:
        raise ValueError("not heard")

    def process_text(self, packet: TextPacket) -> Iterator[Any]:
        yield self.words, TextPacket(text="well", turn=packet.turn)
        if self.ends:
            yield self.words, TurnEnd(turn=packet.turn, meta={"tokens": 1, "stop_reason": "eos"})
        raise ValueError("broken")

    def on_event(self, event: Event) -> Any:
        if isinstance(event, SpeechEnd):
            raise ValueError("broken")


def ends_after_raising(item: AudioPacket | TextPacket | Event, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The turn ends that leave a generator whose `on_error` lets it go on."""
    with Harness(Breaks()) as harness:
        monkeypatch.setattr(harness, "failed", lambda runner, error: None)
        if isinstance(item, Event):
            harness.event(item)
        else:
            harness.push(item, port="text" if isinstance(item, TextPacket) else "audio")
        return [end for end in harness.pull("words") if isinstance(end, TurnEnd)]


@pytest.mark.parametrize("item", [TextPacket(text="Where?", turn=3), SpeechEnd(turn=3)])
def test_a_reply_in_which_a_generator_raised_ends(
    item: TextPacket | Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    (end,) = ends_after_raising(item, monkeypatch)
    assert (end.turn, dict(end.meta)) == (3, {"tokens": 0, "stop_reason": "error"})


def test_a_reply_that_had_ended_before_a_generator_raised_ends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Breaks, "ends", True)
    (end,) = ends_after_raising(TextPacket(text="Where?", turn=3), monkeypatch)
    assert end.meta["stop_reason"] == "eos"


def test_audio_that_a_generator_could_not_take_ends_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = AudioPacket(data=np.zeros((160, 1), np.float32), rate=16_000, turn=3)
    assert ends_after_raising(heard, monkeypatch) == []
