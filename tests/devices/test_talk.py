"""`vflow talk` with a microphone and a loudspeaker: PulseAudio's, without a device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import scripted_agent
from tests.devices.conftest import RATE, Server
from tests.web.live import TOKEN, Live
from vflow import preload
from vflow.web.supply import serving_options

WORD_MS = 120


@pytest.mark.timeout(300)
def test_a_question_that_is_spoken_is_heard_and_ctrl_c_hangs_up(server: Server, tmp_path: Path) -> None:
    spoken = scripted_agent.utterance(ms=1_000).samples
    question = tmp_path / "question.wav"
    soundfile.write(question, spoken, 16_000)
    # a sound server beside other tests may stop for half a second, within the question too
    patient = {**serving_options(), "overrides": {"vad.speech_end_after": "1500ms"}}
    graph = scripted_agent.graph(tmp_path, word_ms=WORD_MS)
    with (
        preload(graph, nodes=scripted_agent.NODES, **patient) as preloaded,
        Live(preloaded) as live,
    ):
        run = server.vflow("talk", f"ws://127.0.0.1:{live.port}/", "--token", TOKEN)
        run.wait_for("speak; Ctrl-C ends")
        with server.recording(tmp_path / "heard.raw") as raw:
            live.until(lambda: raw.stat().st_size > 0)  # the recorder has begun
            server.say(question)
            run.wait_for("agent: Rome")
        assert run.interrupt() == 130
        live.until(lambda: not live.roster.guests)
        assert live.closed == {"left": 1}
    assert "[" not in run.text.partition("agent: ")[2], "the reply was cut"
    heard = np.frombuffer(raw.read_bytes(), "<i2").astype(np.float32) / 32768
    words = len(scripted_agent.REPLY.split())
    sounded_s = np.count_nonzero(np.abs(heard) > 0.01) / RATE
    assert 0.5 * words * WORD_MS / 1000 < sounded_s < 1.1 * words * WORD_MS / 1000
