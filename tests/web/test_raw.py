"""Raw audio: bytes in and out, and the few words beside it."""

from __future__ import annotations

import asyncio
import json
import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests import scripted_agent
from tests.web.live import TOKEN, Live, spoken
from vflow.report.turn import TurnRecord
from vflow.session import Interrupted, ReplyAudio, ReplyHeld, ReplyWord, TurnEnded, UserText
from vflow.web.commands import Closing, End, Resume, Sound, Start
from vflow.web.raw import RawProtocol


def test_bytes_are_sound_from_the_first_message_on() -> None:
    core = RawProtocol("8000")
    assert core.start == Start(8_000)
    assert core.receive(b"\1\2") == Sound(b"\1\2")
    assert core.receive('{"type": "end"}') == End()


@given(st.text(max_size=50))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Closing) as raised:
        RawProtocol().receive(text)
    assert raised.value.close == 1007


ARABIC = "\u0661\u0666\u0660\u0660\u0660"


@pytest.mark.parametrize("rate", ["0", "-1", "16000.0", "1e5", "nan", ARABIC, "9" * 5000])
def test_invalid_rate_is_refused(rate: str) -> None:
    with pytest.raises(Closing, match="the rate must be a whole number of Hz"):
        RawProtocol(rate)


def test_events_become_bare_audio_clear_and_transcripts() -> None:
    core = RawProtocol()
    assert core.tell(ReplyAudio(1, np.ones(1, np.float32), 24_000)) == [b"\xff\x7f"]
    assert [json.loads(frame) for frame in core.tell(Interrupted(1))] == [{"type": "clear"}]
    assert [json.loads(frame) for frame in core.tell(ReplyHeld())] == [{"type": "held"}]
    assert core.tell(ReplyWord(1, 0, "Good")) == []
    said = {"type": "transcript", "role": "user", "text": "hello", "final": True}
    assert [json.loads(frame) for frame in core.tell(UserText(1, "hello"))] == [said]
    heard = {"type": "transcript", "role": "agent", "text": "Good day.", "final": True}
    ended = TurnEnded(TurnRecord(1, "hello", ["Good", "day.", "Then"], "Good day."))
    assert [json.loads(frame) for frame in core.tell(ended)] == [heard]
    assert core.tell(TurnEnded(TurnRecord(2))) == []


def test_a_client_that_speaks_is_answered_in_sound(live: Live) -> None:
    with live.client("/raw?rate=8000") as client:
        about = json.loads(client.socket.recv())
        assert about["type"] == "ready"
        assert about["input_rate"] == 8_000
        client.socket.send(spoken(8_000))
        assert len(client.socket.recv()) == 20 * about["output_rate"] // 1000 * 2


def test_the_client_of_the_documentation_hears_the_reply(live: Live, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def ask" in text]
    names: dict[str, Any] = {}
    exec(compile(block, "serving.md", "exec", dont_inherit=True), names)

    async def sleep(seconds: float) -> None:
        """Do not sleep: on a busy machine the client would come late, and leave a gap in the utterance."""

    names["asyncio"] = types.SimpleNamespace(sleep=sleep)
    question = np.frombuffer(spoken(), "<i2")
    soundfile.write(tmp_path / "question.wav", question, 16_000)
    address = f"ws://127.0.0.1:{live.port}"
    reply = asyncio.run(names["ask"](address, TOKEN, str(tmp_path / "question.wav")))
    words = len(scripted_agent.REPLY.split())
    assert len(reply) == words * 40 * scripted_agent.VOICE_RATE // 1000 * 2
    assert live.closed == {"end": 1}


def test_client_with_an_invalid_rate_is_refused(live: Live) -> None:
    with live.client("/raw?rate=fast") as client:
        assert client.closed() == (1007, "bad_message")


def test_who_comes_back_says_so_first() -> None:
    core = RawProtocol(resumes=True)
    assert core.start is None
    wanted = Resume(session="5f", token="x", received=3)
    assert core.receive('{"type": "resume", "session": "5f", "token": "x", "received": 3}') == wanted
    for said in (b"\0\0", '{"type": "end"}', "no JSON"):
        with pytest.raises(Closing, match="must send 'resume' first") as raised:
            core.receive(said)
        assert (raised.value.close, raised.value.code) == (1007, "bad_message")
