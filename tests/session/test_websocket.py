"""The agent behind a WebSocket of docs/embedding.md, as its page has it, and a client that talks with it."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    (block,) = (text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "FastAPI" in text)
    head = "import asyncio\nimport vflow\nfrom vflow.session import Interrupted, ReplyAudio\n"
    module = types.ModuleType("talk")
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    exec(compile(head + block, "embedding.md", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__["app"]


@pytest.mark.timeout(300)
def test_a_client_that_sends_a_question_is_sent_speech(app: Any) -> None:
    from fastapi.testclient import TestClient

    spoken, rate = soundfile.read(ROOT / "pipelines" / "question.wav", dtype="float32")
    question = (soxr.resample(spoken, rate, 16_000) * 32767).astype("<i2")
    with TestClient(app) as client, client.websocket_connect("/talk") as socket:
        for at in range(0, len(question), 1600):
            socket.send_bytes(question[at : at + 1600].tobytes())
        heard = b"".join(socket.receive_bytes() for _ in range(25))
    assert len(heard) >= 25 * 100
