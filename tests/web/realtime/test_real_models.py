"""The agent that comes with vflow, and the client of docs/realtime.md."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipelines.conftest import PIPELINES
from tests.web import serving
from tests.web.realtime.test_stock_clients import block


@pytest.mark.timeout(300)
def test_a_question_is_answered_rightly(capsys: pytest.CaptureFixture[str]) -> None:
    ask = block("AsyncOpenAI")["ask"]
    with serving.command(PIPELINES / "voice_agent.yaml") as url:
        address, _, token = url.partition("/#token=")
        reply = asyncio.run(ask(address, token, str(PIPELINES / "question.wav")))
    you, agent = capsys.readouterr().out.splitlines()
    assert "capital of France" in you
    assert "Paris" in agent
    assert len(reply) > 24_000  # half a second
