"""The node around the spoken form: what waits, for how long, and what leaves in both forms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vflow import MS, Eos, Harness, SpokenUnit, TextPacket, TurnEnd
from vflow_nodes.spoken import Spoken


def packets(text: str, turn: int = 1, index: int = 0, **meta: object) -> list[TextPacket]:
    return [
        TextPacket(text=word, index=index + n, turn=turn, pts_ns=n * MS, meta={"tokens": n, **meta})
        for n, word in enumerate(text.split())
    ]


def push(harness: Harness, text: str, **fields: object) -> list[tuple[int, str, str]]:
    """Return for each unit that leaves: index, written and spoken words."""
    for word in packets(text, **fields):  # type: ignore[arg-type]
        harness.push(word)
    return said([*harness.pull()])


def said(items: list[object]) -> list[tuple[int, str, str]]:
    texts = [item for item in items if isinstance(item, TextPacket)]
    assert all(len(text.units) == 1 and text.units[0].written == text.text for text in texts)
    return [(text.index, text.text, text.spoken) for text in texts]


@pytest.fixture
def harness() -> Iterator[Harness]:
    with Harness(Spoken()) as made:
        yield made


def test_a_plain_word_leaves_at_once(harness: Harness) -> None:
    assert push(harness, "Hello there friend") == [
        (0, "Hello", "Hello"), (1, "there", "there"), (2, "friend", "friend"),
    ]  # fmt: skip
    assert harness.timer_ns is None


def test_words_said_as_one_leave_as_one_packet(harness: Harness) -> None:
    assert push(harness, "about $1.5") == [(0, "about", "about")]
    (unit,) = harness.push(TextPacket(text="million", index=2, turn=1, pts_ns=7 * MS, meta={"tokens": 9}))
    assert isinstance(unit, TextPacket)
    assert unit.units == (SpokenUnit("$1.5 million", "one point five million dollars"),)
    assert (unit.text, unit.index, unit.pts_ns, unit.meta["tokens"]) == ("$1.5 million", 1, 1 * MS, 9)


def test_a_word_waits_no_longer_than_max_wait(harness: Harness) -> None:
    assert push(harness, "$1.5") == []
    assert harness.timer_ns == 600 * MS
    assert harness.advance(599 * MS) == []
    ((index, written, spoken),) = said([*harness.advance(2 * MS)])
    assert (index, written) == (0, "$1.5")
    assert "one point five" in spoken
    assert harness.timer_ns is None


def test_waiting_words_leave_before_the_reply_s_end(harness: Harness) -> None:
    push(harness, "$1.5")
    harness.event(TurnEnd(turn=1))
    word, end = harness.pull()
    assert isinstance(word, TextPacket)
    assert isinstance(end, TurnEnd)
    assert harness.timer_ns is None


def test_a_word_that_is_owed_is_said_at_the_end(harness: Harness) -> None:
    push(harness, "about $1.5")
    harness.advance(601 * MS)
    harness.pull()
    harness.event(TurnEnd(turn=1))
    rest, _ = harness.pull()
    assert isinstance(rest, TextPacket)
    assert (rest.text, rest.index, rest.turn, rest.spoken) == ("", 2, 1, "dollars")


def test_waiting_words_leave_at_the_stream_s_end(harness: Harness) -> None:
    push(harness, "$1.5")
    harness.event(Eos())
    assert said([*harness.pull()])[0][:2] == (0, "$1.5")


def test_words_of_another_turn_do_not_join_waiting_ones(harness: Harness) -> None:
    push(harness, "$1.5")
    first, second = push(harness, "million people", turn=2)[:2]
    assert first[:2] == (0, "$1.5")
    assert second[:2] == (0, "million")


def test_flush_drops_waiting_words(harness: Harness) -> None:
    push(harness, "$1.5")
    harness.flush(1)
    assert harness.timer_ns is None
    harness.event(TurnEnd(turn=1))
    assert said([*harness.pull()]) == []
    assert push(harness, "million people", turn=2)[0][:2] == (0, "million")


def test_a_packet_of_several_words_counts_on(harness: Harness) -> None:
    harness.push(TextPacket(text=" Hello there ", index=4, turn=1))
    harness.push(TextPacket(text="  ", turn=1))
    assert said([*harness.pull()]) == [(4, "Hello", "Hello"), (5, "there", "there")]


def test_text_in_a_language_without_a_table_passes_as_it_is_written(harness: Harness) -> None:
    assert push(harness, "Das kostet $1.5", language="de") == [
        (0, "Das", "Das"), (1, "kostet", "kostet"), (2, "$1.5", "$1.5"),
    ]  # fmt: skip
    assert push(harness, "$1.5", index=3, language="en-US") == []  # and back
    with Harness(Spoken(language="de")) as german:
        assert push(german, "$1.5") == [(0, "$1.5", "$1.5")]


def test_a_chunk_is_worked_out_on_its_own() -> None:
    with Harness(Spoken(takes="chunk")) as harness:
        (chunk,) = harness.push(TextPacket(text="about $1.5 million", index=3, turn=1))
    assert isinstance(chunk, TextPacket)
    assert (chunk.text, chunk.index) == ("about $1.5 million", 3)
    assert [unit.written for unit in chunk.units] == ["about", "$1.5 million"]
