"""`vflow talk` with a microphone and a loudspeaker: PulseAudio's, without a device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import scripted_agent
from tests.devices.conftest import RATE, Server
from tests.web.live import TOKEN, Live, agent


@pytest.mark.timeout(300)
def test_a_question_that_is_spoken_is_heard_and_ctrl_c_hangs_up(server: Server, tmp_path: Path) -> None:
    spoken = scripted_agent.utterance(ms=1_000).samples
    question = tmp_path / "question.wav"
    soundfile.write(question, spoken, 16_000)
    with agent(tmp_path, word_ms=120) as preloaded, Live(preloaded) as live:
        run = server.vflow("talk", f"ws://127.0.0.1:{live.port}/", "--token", TOKEN)
        run.wait_for("speak; Ctrl-C ends")
        with server.recording(tmp_path / "heard.raw") as raw:
            server.say(question)
            run.wait_for("agent: Rome")
        assert run.interrupt() == 130
        live.until(lambda: not live.roster.guests)
        assert live.closed == {"left": 1}
    assert "you heard" not in run.text
    heard = np.frombuffer(raw.read_bytes(), "<i2").astype(np.float32) / 32768
    words = len(scripted_agent.REPLY.split())
    assert np.count_nonzero(np.abs(heard) > 0.01) / RATE == pytest.approx(words * 0.12, rel=0.1)
