"""Lines of JSON about what happens on a server."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests import scripted_agent
from tests.web.live import Live
from vflow.web.event_log import as_json


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    as_json("session_begun", {"session": "5f", "text": "a\nb\u2028c\x1b[1m"})
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert datetime.fromisoformat(told.pop("at")).tzinfo is not None
    assert told == {"event": "session_begun", "session": "5f", "text": "a\nb\u2028c\x1b[1m"}
    assert line.isascii()


def test_session_is_logged_from_begin_to_end_without_words(live: Live) -> None:
    told: list[dict[str, Any]] = []
    live.roster.tell = lambda event, fields: told.append({"event": event, **fields})
    with live.client() as client:
        session = client.begin()["session"]
        client.say("ask", text="my secret")
        client.wait_for("turn_ended")
    live.until(lambda: len(told) == 4)
    assert [each["event"] for each in told] == [
        "session_begun",
        "turn_ended",
        "session_ended",
        "connection_closed",
    ]
    assert {each.get("session", session) for each in told} == {session}
    assert told[1]["outcome"] == "heard"
    assert told[1]["latencies_ms"]["compute"] > 0
    assert told[2]["turns"] == 1
    assert told[3] == {"event": "connection_closed", "code": "left"}
    written = json.dumps(told)
    assert "secret" not in written
    assert scripted_agent.REPLY[:10] not in written
