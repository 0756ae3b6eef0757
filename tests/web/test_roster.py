"""The roster: who is admitted, and what is said to who is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.otlp_receiver import receiving
from tests.stand_ins import PATIENCE_S
from tests.web.live import Live, agent
from vflow.otel.span_export import sending
from vflow.web.commands import Closing
from vflow.web.limits import Limits
from vflow.web.load import Load
from vflow.web.roster import Roster


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_as_many_are_admitted_as_there_is_room_for() -> None:
    roster = Roster(Limits(sessions=2))
    first = roster.admit("page")
    roster.admit("page")
    with pytest.raises(Closing, match="all 2 sessions of this server are taken") as raised:
        roster.admit("page")
    assert (raised.value.close, raised.value.code) == (1013, "full")
    assert roster.problem()
    roster.leave(first)
    assert roster.problem() == ""
    roster.admit("raw")
    assert roster.served == 3


def test_as_many_are_admitted_as_keep_the_latency_promised_unless_a_number_is_given() -> None:
    room: list[int | None] = [None]
    measured, told = (Roster(limits, room=lambda: room[0]) for limits in (Limits(), Limits(sessions=3)))
    assert (measured.capacity, told.capacity) == (16, 3)
    room[0] = 1
    assert (measured.capacity, told.capacity) == (1, 3)
    measured.admit("page")
    with pytest.raises(Closing, match="all 1 sessions"):
        measured.admit("page")


def test_late_replies_admit_nobody() -> None:
    clock = Clock()
    roster = Roster(Limits(), clock)
    guest = roster.admit("page")
    for took_ms in (700, 900, 950):
        assert roster.problem() == ""
        roster.turn_took(took_ms, 800)
    with pytest.raises(Closing, match="replies take 900 ms now, 800 ms are promised") as raised:
        roster.admit("page")
    assert (raised.value.close, raised.value.code) == (1013, "busy")
    clock.now_s += 31
    assert roster.problem() == ""
    for took_ms in (100, 200, 2_000):
        roster.turn_took(took_ms, 800)
    assert roster.problem() == ""
    for took_ms in (900, 900, 900):
        roster.turn_took(took_ms, 800)
    roster.leave(guest)  # nobody is disturbed by one more
    assert roster.problem() == ""


def test_busy_cores_admit_nobody() -> None:
    class Busy(Load):
        busy = 0.5

        def share(self) -> float:
            return self.busy

    load = Busy(2)
    roster = Roster(Limits(), load=load)
    guest = roster.admit("page")
    assert roster.problem() == ""
    load.busy = 0.97
    with pytest.raises(Closing, match=r"97% of 2 cores are in use; those being served \(1\) go first"):
        roster.admit("page")
    roster.leave(guest)  # nobody is disturbed by one more
    assert roster.problem() == ""


def test_as_many_wait_to_begin_as_there_is_room_for() -> None:
    roster = Roster(Limits(waiting=1))
    with roster.wait(), pytest.raises(Closing, match="1 clients are waiting") as raised, roster.wait():
        pass
    assert raised.value.close == 1013
    with roster.wait():
        assert roster.waiting == 1
    assert roster.waiting == 0


def test_stopping_server_admits_nobody() -> None:
    roster = Roster(Limits())
    roster.stopping.set()
    with pytest.raises(Closing, match="the server is stopping"):
        roster.admit("page")


def test_the_status_has_states_and_counts_and_nothing_that_was_said() -> None:
    roster = Roster(Limits(sessions=3))
    guest = roster.admit("page")
    guest.state, guest.turns = "speaking", 2
    roster.count("left")
    roster.count("left")
    roster.count("token")
    status = json.loads(json.dumps(roster.status()))
    assert status.pop("sessions") == [
        {"id": guest.id, "protocol": "page", "state": "speaking", "seconds": 0.0, "turns": 2, "warnings": 0}
    ]
    assert status == {"capacity": 3, "served": 1, "closed": {"left": 2, "token": 1}, "stopping": False}


def test_turns_of_a_session_become_spans_also_one_that_its_end_cut_short(tmp_path: Path) -> None:
    with agent(tmp_path, word_ms=40) as preloaded, Live(preloaded) as live, receiving() as receiver:
        with sending(receiver.url, {}, live.notes.append, PATIENCE_S) as live.roster.spans:
            with live.client() as client:
                session = client.begin()["session"]
                client.say("ask", text="go on")
                ended = client.wait_for("turn_ended")
                client.say("ask", text="go on")
                client.wait_for("state", state="speaking")
            live.until(lambda: not live.roster.guests)
        turns = {s.attributes["vflow.turn.number"]: s for s in receiver.spans if not s.parent}
        assert list(turns) == [1, 2]
        assert {turn.attributes["gen_ai.conversation.id"] for turn in turns.values()} == {session}
        assert turns[1].attributes["vflow.turn.outcome"] == "heard"
        assert turns[2].attributes["vflow.turn.outcome"] in ("unfinished", "interrupted")
        compute_ms = 1_000 * turns[1].attributes["vflow.turn.compute_latency"]
        assert compute_ms == pytest.approx(ended["latencies_ms"]["compute"], abs=0.1)
        assert "speaking" in {s.name for s in receiver.spans if s.parent == turns[1].id}
        assert live.notes == []
