"""A node by itself: its properties, its ports' caps, and what the runtime asks of its class."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from vflow import (
    Audio,
    Bin,
    Caps,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Node,
    Out,
    PropertyError,
    Sink,
    Text,
    TextPacket,
    prop,
)
from vflow.node import is_async, is_async_function, is_source, overrides


class Ear(Node):
    rate: int = prop(16_000, ge=8_000)
    frame: Duration = prop("20ms", hot=True)
    audio = In(Audio())
    words = Out(Text("word"))


class Tone(Node):
    words = Out(Text("word"))


class Awaits(Ear):
    async def process(self, packet: TextPacket) -> TextPacket:
        return packet


class AwaitsOneInput(Ear):
    async def process_audio(self, packet: TextPacket) -> TextPacket:
        return packet


class AwaitsEvents(Ear):
    async def on_event(self, event: Event) -> Event:
        return event


class YieldsLater(Ear):
    async def process(self, packet: TextPacket) -> AsyncIterator[TextPacket]:
        yield packet


class Yields(Ear):
    def process(self, packet: TextPacket) -> Iterator[TextPacket]:
        yield packet


def test_a_node_has_its_properties_converted_and_the_defaults_of_the_others() -> None:
    assert vars(Ear(frame="32ms")) == {"rate": 16_000, "frame": 32_000_000}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rat": 1}, "no property 'rat'; did you mean 'rate'?"),
        ({"rate": "high"}, "rate takes int, not 'high'"),
        ({"rate": 7}, "rate is 7, out of range; at least 8000"),
    ],
)
def test_a_node_with_a_wrong_property_is_not_made(values: dict[str, Any], message: str) -> None:
    with pytest.raises(PropertyError, match=message.replace("?", r"\?")):
        Ear(**values)


def test_the_caps_of_a_port_are_those_declared_unless_the_node_knows_better() -> None:
    class Tape(Tone):
        def port_caps(self, port: str) -> Caps:
            return Text("final") if port == "words" else super().port_caps(port)

    assert Ear().port_caps("audio") == Audio()
    assert Tape().port_caps("words") == Text("final")


@pytest.mark.parametrize("live", [False, True])
def test_a_source_is_paced_where_its_class_is_live(live: bool) -> None:
    assert type("Source", (Tone,), {"live": live})().paced() is live


def test_a_node_with_inputs_and_no_process_says_which_class_lacks_it() -> None:
    with pytest.raises(NotImplementedError, match=r"Ear has inputs but no process\(\)"):
        Ear().process(TextPacket(text="a"))
    with pytest.raises(NotImplementedError, match=r"Tone has no inputs and no produce\(\)"):
        Tone().produce()


def test_a_node_that_overrides_nothing_is_available_and_does_nothing() -> None:
    node = Ear()
    assert (node.unavailable(), Bin.unavailable()) == ("", "")
    for did in (node.open(), node.warm_up(), node.close(), node.on_event(Eos()), node.on_timer()):  # type: ignore[func-returns-value]  # that is what is asked
        assert did is None
    node.on_flush(Flush(1, 1))
    node.on_cancel(Flush(1, 1))
    assert vars(node) == vars(Ear())


def test_sink_has_an_effect_and_must_define_drop_and_lead() -> None:
    sink = Sink()
    assert sink.effect
    sink.duck(0.5)  # one without a volume does nothing
    sink.hold(True)  # one that cannot plays on
    for method in (lambda: sink.drop(1), sink.lead_ns):
        with pytest.raises(NotImplementedError):
            method()


def test_a_source_is_a_node_without_inputs() -> None:
    assert is_source(Tone)
    assert not is_source(Ear)


def test_overrides_tells_a_method_of_the_nodes_own_from_nodes_method() -> None:
    assert overrides(Yields, "process")
    assert overrides(type("Below", (Yields,), {})(), "process")
    assert not overrides(Yields(), "on_timer")


@pytest.mark.parametrize("cls", [Awaits, AwaitsOneInput, AwaitsEvents, YieldsLater])
def test_a_node_with_any_coroutine_is_asynchronous(cls: type[Node]) -> None:
    assert is_async(cls)
    assert is_async(cls())


@pytest.mark.parametrize("cls", [Node, Ear, Tone, Yields])
def test_a_node_without_a_coroutine_is_not_asynchronous(cls: type[Node]) -> None:
    assert not is_async(cls)


def test_a_coroutine_and_an_asynchronous_generator_are_asynchronous_functions() -> None:
    assert is_async_function(Awaits.process)
    assert is_async_function(YieldsLater.process)
    assert not is_async_function(Yields.process)
