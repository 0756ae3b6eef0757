"""The states of a conversation, packed."""

from __future__ import annotations

from vflow.report.states import States


def test_states_come_back_as_they_were_added() -> None:
    states = States(10)
    assert not states.append(3, "listening")
    assert not states.append(5, "idle")
    assert list(states) == [(0, "idle"), (3, "listening"), (5, "idle")]
    assert states.newest == "idle"


def test_full_states_drop_the_oldest() -> None:
    states = States(2)
    assert [states.append(at, name) for at, name in ((1, "listening"), (2, "speaking"), (3, "idle"))] == [
        False,
        True,
        True,
    ]
    assert list(states) == [(2, "speaking"), (3, "idle")]
    assert len(states) == 2
