"""Text that an application hands in: in order, each of a turn of its own, what is asked interrupts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from vflow import Harness, VflowError
from vflow_nodes.app_text import MOST_LETTERS, MOST_WAITING, AppText


@pytest.fixture
def harness() -> Iterator[Harness]:
    with Harness(AppText()) as made:
        yield made


def node(harness: Harness) -> AppText:
    assert isinstance(harness.node, AppText)
    return harness.node


def made(harness: Harness, count: int | None = None) -> list[tuple[str, int]]:
    return [(packet.text, packet.turn) for packet in islice(harness.produce(), count) if packet is not None]


def test_texts_leave_in_order_each_with_a_new_turn(harness: Harness) -> None:
    typed = node(harness)
    assert [typed.ask("Where?"), typed.say("One moment."), typed.ask("When?")] == [1, 2, 3]
    typed.end()
    assert made(harness) == [("Where?", 1), ("One moment.", 2), ("When?", 3)]


def test_ask_interrupts_all_earlier_turns_and_say_interrupts_none(harness: Harness) -> None:
    typed = node(harness)
    typed.say("One moment.")
    typed.ask("Where?")
    typed.end()
    made(harness)
    assert harness.interrupted == [1]


def test_ask_waits_if_it_must_not_interrupt() -> None:
    with Harness(AppText(interrupts=False)) as harness:
        node(harness).ask("Where?")
        node(harness).end()
        made(harness)
        assert harness.interrupted == []


def test_a_language_travels_on_the_packet(harness: Harness) -> None:
    node(harness).ask("Où ?", language="fr")
    node(harness).ask("Where?")
    node(harness).end()
    assert [dict(packet.meta) for packet in harness.produce()] == [{"language": "fr"}, {}]


@pytest.mark.parametrize("text", ["", "  \n", None, 7, b"Where?"])
def test_an_empty_text_is_refused(harness: Harness, text: Any) -> None:
    with pytest.raises(VflowError, match="a text with words in it is wanted"):
        node(harness).ask(text)


def test_a_text_longer_than_any_context_is_refused(harness: Harness) -> None:
    with pytest.raises(VflowError, match="100,001 letters; at most 100,000 are taken"):
        node(harness).say("x" * (MOST_LETTERS + 1))


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("hi \ud83d", "hi \ufffd"),
        ("\ude00 hi", "\ufffd hi"),
        ("\ud83d\ude00", "\U0001f600"),
        ("ü 日 שׁ", "ü 日 שׁ"),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(
    harness: Harness, given: str, left: str
) -> None:
    node(harness).ask(given)
    node(harness).end()
    assert made(harness) == [(left, 1)]


@pytest.mark.parametrize("language", [None, 7, b"en"])
def test_a_language_that_is_no_text_is_refused(harness: Harness, language: Any) -> None:
    with pytest.raises(VflowError, match="a language is a code as 'en'"):
        node(harness).say("Hello.", language)


def test_texts_beyond_the_most_that_wait_are_refused(harness: Harness) -> None:
    for _ in range(MOST_WAITING):
        node(harness).ask("Where?")
    with pytest.raises(VflowError, match="1,000 texts wait"):
        node(harness).ask("Where?")


def test_a_call_before_the_start_or_after_the_end_is_refused_with_the_reason(harness: Harness) -> None:
    with pytest.raises(VflowError, match="the pipeline is not open"):
        AppText().ask("Where?")
    node(harness).end()
    node(harness).end()
    with pytest.raises(VflowError, match="after end"):
        node(harness).ask("Where?")


def test_text_for_an_unlinked_port_is_refused(harness: Harness) -> None:
    harness.linked_ports = {"text"}
    node(harness).ask("Where?")
    with pytest.raises(VflowError, match="nothing takes what the application hands in at 'reply'"):
        node(harness).say("Hello.")


def test_a_prompt_is_a_turn_without_text_that_interrupts_nothing(harness: Harness) -> None:
    typed = node(harness)
    assert [typed.prompt(), typed.prompt("Greet \ud83d\ude00 them.")] == [1, 2]
    typed.end()
    packets = [packet for packet in harness.produce() if packet is not None]
    assert [packet.meta for packet in packets] == [
        {"prompted": True},
        {"prompted": True, "instructions": "Greet \U0001f600 them."},
    ]
    assert harness.interrupted == []


def test_a_text_that_is_asked_over_protected_words_waits(harness: Harness) -> None:
    harness.is_protected = True
    node(harness).ask("Where?")
    node(harness).end()
    made(harness)
    assert harness.interrupted == []


def test_a_text_without_barge_in_is_protected_to_its_end(harness: Harness) -> None:
    node(harness).say("One moment.")
    node(harness).say("This call is recorded.", barge_in=False)
    assert [harness.conversation.protects(turn, 2) for turn in (1, 2)] == [False, True]
