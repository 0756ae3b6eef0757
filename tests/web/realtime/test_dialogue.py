"""The state that the parts of a session share."""

from __future__ import annotations

import json

from tests.web.realtime.stand_in import StandIn
from vflow.web.realtime.dialogue import Dialogue
from vflow.web.realtime.messages import Refused


def test_events_leave_once_in_order_each_with_an_id_of_its_own() -> None:
    dialogue = Dialogue(StandIn(), "")
    dialogue.say("one", item="a")
    dialogue.refuse(Refused("no_way", "no", "item", "mine"))
    first, second = (json.loads(frame) for frame in dialogue.take())
    assert first == {"event_id": first["event_id"], "type": "one", "item": "a"}
    assert second["error"] == {
        "type": "invalid_request_error",
        "code": "no_way",
        "message": "no",
        "param": "item",
        "event_id": "mine",
    }
    assert first["event_id"] != second["event_id"]
    assert dialogue.take() == []


def test_entries_that_a_client_adds_have_numbers_below_all_turns() -> None:
    dialogue = Dialogue(StandIn(), "")
    assert [dialogue.next_turn(), dialogue.next_turn()] == [-1, -2]
