"""A key is in nothing that a run prints, posts, logs or writes, whatever the server makes of it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.remote_server import Answer, error, event, sends, serve, stream
from vflow import Harness, TextPacket
from vflow_nodes.chat.openai import OpenAiChat

KEY = "sk-live-Zq9Xw8Ev7Ut6Sr5"
GRAPH = """
nodes:
  typed: {use: line_source}
  chat:  {use: chat.openai, base_url: '%s', model: tiny, key_env: A_KEY, retries: 0}
  shows: {use: console}
links: [typed -> chat.text, chat.words -> shows]
"""
LISTED = sends(200, {"data": [{"id": f"model-of-{KEY}"}]})
REFUSED = error(401, f"Incorrect API key provided: {KEY}")
ANSWERS = {
    "refused": (REFUSED, LISTED),
    "refused at the start": (REFUSED, REFUSED),
    "failed": (error(500, f"Authorization: Bearer {KEY}"), LISTED),
    "redirect": (sends(308, {}, Location=f"http://evil.invalid/{KEY}?key={KEY}"), LISTED),
    "broken": (stream("Hello", event({"error": f"{KEY[3:]} has no credit"})), LISTED),
    "page": (sends(404, f"<h1>{KEY}</h1>".encode()), LISTED),
}


def pieces_in(text: str) -> list[str]:
    return [KEY[at : at + 8] for at in range(len(KEY) - 7) if KEY[at : at + 8] in text]


@pytest.mark.parametrize(("answer", "models"), ANSWERS.values(), ids=ANSWERS)
def test_no_run_shows_a_piece_of_the_key(tmp_path: Path, answer: Answer, models: Answer) -> None:
    with serve(answer, models=models) as server:
        (tmp_path / "graph.yaml").write_text(GRAPH % server.url)
        program = "from vflow.cli.main import entry; entry()"
        done = subprocess.run(
            [sys.executable, "-c", program, "run", "graph.yaml", "--report", "report.json"],
            cwd=tmp_path, env={**os.environ, "A_KEY": KEY}, input="Hello\nAgain\n", text=True,
            capture_output=True, timeout=60,
        )  # fmt: skip
        assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in server.asked)
    written = "".join(file.read_text() for file in tmp_path.iterdir())
    assert "127.0.0.1" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert pieces_in(done.stdout + done.stderr + written) == []


def test_no_log_of_the_libraries_has_the_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    with caplog.at_level(logging.DEBUG), serve(REFUSED, models=LISTED) as server:
        node = OpenAiChat(base_url=server.url, model="tiny", key_env="A_KEY")
        with Harness(node) as harness:
            harness.push(TextPacket(text="Hello", turn=1))
    assert caplog.records
    assert pieces_in(caplog.text) == []
