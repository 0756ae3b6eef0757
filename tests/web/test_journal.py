"""The journal keeps messages that a client may not have received."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.web.journal import Journal


def rest(journal: Journal) -> list[str | bytes]:
    """Send all that is left."""
    found = []
    while (frame := journal.next) is not None:
        found.append(frame)
        journal.sent()
    return found


def test_frames_are_sent_in_order_and_again_from_where_the_client_is() -> None:
    journal = Journal()
    journal.add(["one", b"two", "three"], 0.0)
    assert rest(journal) == ["one", b"two", "three"]
    journal.add(["four"], 1.0)
    journal.rewind(1)
    assert rest(journal) == [b"two", "three", "four"]
    assert rest(journal) == []


@pytest.mark.parametrize(("received", "kept"), [(0, False), (1, False), (2, True), (4, True), (5, False)])
def test_acknowledged_frames_are_dropped(received: int, kept: bool) -> None:
    journal = Journal()
    journal.add(["a", "b", "c", "d"], 0.0)
    rest(journal)
    journal.acknowledge(2)
    assert journal.keeps(received) is kept


def test_more_than_was_sent_cannot_be_acknowledged() -> None:
    journal = Journal()
    journal.add(["a", "b"], 0.0)
    journal.sent()
    journal.acknowledge(10**9)
    assert rest(journal) == ["b"]


def test_old_frames_are_dropped_only_if_they_were_sent() -> None:
    journal = Journal(kept_s=10, kept_bytes=100)
    journal.add(["a", "b"], 0.0)
    journal.add(["c"], 20.0)
    assert journal.keeps(0)
    assert rest(journal) == ["a", "b", "c"]
    journal.add(["d"], 21.0)
    assert not journal.keeps(1)
    assert journal.keeps(2)
    assert rest(journal) == ["d"]
    journal.add([b"x" * 101], 22.0)
    assert rest(journal) == [b"x" * 101]


@given(st.lists(st.integers(0, 30), max_size=30))
def test_a_client_that_comes_back_again_and_again_gets_every_frame_once(losses: list[int]) -> None:
    journal, got = Journal(), []
    for number, lost in enumerate(losses):
        journal.add([f"{number}.{part}" for part in range(3)], float(number))
        sent = rest(journal)
        got += sent[: max(0, len(sent) - lost)]  # the others are lost on their way
        assert journal.keeps(len(got))
        journal.rewind(len(got))
        journal.acknowledge(max(0, len(got) - 2))
    got += rest(journal)
    assert got == [f"{number}.{part}" for number in range(len(losses)) for part in range(3)]
