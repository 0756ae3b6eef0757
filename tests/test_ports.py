"""Ports: declared in a class, found by name in order, and bounded as a graph without its own bounds is."""

from __future__ import annotations

import dataclasses

import pytest

from vflow import SECOND, AnyCaps, Audio, In, Node, Out, QueueOptions, Text
from vflow.ports import inputs_of, main_input, outputs_of, ports_of


class Ear(Node):
    audio = In(Audio(), queue=QueueOptions(packets=7))
    words = Out(Text("word"))


class Both(Ear):
    also = In(Text(), optional=True)
    log = Out(AnyCaps(), bus=True)


class Deaf(Both):
    audio = Out(Audio())  # type: ignore[assignment]  # what this test is about


def test_a_port_is_named_as_the_attribute_that_holds_it() -> None:
    assert (Ear.audio.name, Ear.words.name) == ("audio", "words")


def test_ports_come_in_order_of_declaration_those_of_the_bases_first() -> None:
    assert list(ports_of(Both)) == ["audio", "words", "also", "log"]
    assert list(inputs_of(Both)) == ["audio", "also"]
    assert list(outputs_of(Both)) == ["words", "log"]
    assert list(ports_of(Ear)) == ["audio", "words"]


def test_a_port_that_is_declared_again_replaces_that_of_the_base_at_its_place() -> None:
    assert list(ports_of(Deaf)) == ["audio", "words", "also", "log"]
    assert list(inputs_of(Deaf)) == ["also"]
    assert outputs_of(Deaf)["audio"] is Deaf.audio


def test_a_class_without_ports_has_none() -> None:
    assert ports_of(Node) == {}


def test_the_main_input_is_the_first_that_has_to_be_linked() -> None:
    class Chooses(Node):
        more = In(Text(), optional=True)
        text = In(Text())

    class Open(Node):
        one = In(Text(), optional=True)
        two = In(Text(), optional=True)

    assert (main_input(Chooses), main_input(Open)) == ("text", "one")


def test_ports_of_the_same_caps_are_different_ports() -> None:
    assert In(Audio()) != In(Audio())
    assert len({Out(Audio()), Out(Audio())}) == 2


def test_a_queue_without_options_blocks_at_64_packets_or_two_seconds_and_is_flushed() -> None:
    assert QueueOptions() == QueueOptions(64, 2 * SECOND, "block", max_age_ns=None, keep=False)


def test_the_bounds_of_a_queue_cannot_be_set_later() -> None:
    options = QueueOptions()
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.packets = 3  # type: ignore[misc]  # what this test is about
