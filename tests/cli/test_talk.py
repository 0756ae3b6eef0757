"""`vflow talk` as a user meets it: a conversation out of a file, and what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import scripted_agent
from tests.cli.conftest import Vflow
from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live, agent, spoken


@pytest.fixture
def question(tmp_path: Path) -> str:
    file = tmp_path / "question.wav"
    soundfile.write(file, np.frombuffer(spoken(), "<i2"), 16_000)
    return str(file)


def test_a_question_out_of_a_file_is_answered_in_words_and_into_a_file(
    vflow: Vflow, tmp_path: Path, question: str
) -> None:
    with agent(tmp_path, word_ms=20) as preloaded, Live(preloaded) as live:
        address = f"http://127.0.0.1:{live.port}/#token={TOKEN}"
        ran = vflow("talk", address, "--input", question, "--output", "reply.wav")
    assert ran.code == 0
    # a busy machine may be late with the file, and fall silent within the question: then that is two
    assert ran.out.splitlines()[-1] == f"agent: {scripted_agent.REPLY}"
    assert all(line.startswith("agent: Rome") for line in ran.out.splitlines())
    assert ran.err == "speak; Ctrl-C ends\n"
    assert soundfile.info(tmp_path / "reply.wav").duration > 1


def test_ctrl_c_hangs_up(tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros(16_000 * 60, np.float32), 16_000)
    with agent(tmp_path) as preloaded, Live(preloaded) as live:
        command = [sys.executable, "-m", "vflow", "talk", f"ws://127.0.0.1:{live.port}/ws"]
        command += ["--input", str(long), "--output", str(tmp_path / "out.wav")]
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "VFLOW_TOKEN": TOKEN}
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "speak; Ctrl-C ends\n"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
            assert (process.returncode, err) == (130, "")
        live.until(lambda: not live.roster.guests)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ["nowhere"],
            2,
            "'nowhere' is not the address of an agent; give ws://HOST:PORT/ws, or the address",
        ),
        (["ws://127.0.0.1:1/ws"], 1, "ws://127.0.0.1:1/ws: "),
    ],
)
def test_unreachable_server_is_an_error_in_one_line(
    vflow: Vflow, words: list[str], code: int, told: str
) -> None:
    ran = vflow("talk", *words)
    assert ran.code == code
    assert ran.err.startswith(f"error: {told}")
    assert len(ran.err.splitlines()) == 1


def test_a_file_that_is_not_there_is_named(vflow: Vflow, tmp_path: Path) -> None:
    with agent(tmp_path) as preloaded, Live(preloaded) as live:
        ran = vflow("talk", f"ws://127.0.0.1:{live.port}", "--token", TOKEN, "--input", "no.wav")
    assert ran.code == 2
    assert "no.wav" in ran.err


def test_a_wrong_token_is_told(vflow: Vflow, tmp_path: Path) -> None:
    with agent(tmp_path) as preloaded, Live(preloaded) as live:
        ran = vflow("talk", f"ws://127.0.0.1:{live.port}", "--token", "wrong")
    assert ran.code == 1
    assert "the token is missing or wrong" in ran.err
