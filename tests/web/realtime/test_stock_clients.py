"""Stock clients of the Realtime API, which know nothing of vflow: their URL is changed."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live
from tests.web.realtime.clerk import REPLY, WORD_MS, Clerk
from tests.web.realtime.client import RATE, hum

PAGE = Path(__file__).parents[3] / "docs" / "realtime.md"
PACKAGES = os.environ.get("VFLOW_NODE_CLIENTS", "")
FRAMES = len(REPLY.split()) * WORD_MS * RATE // 1000


@pytest.fixture
def question(tmp_path: Path) -> Path:
    path = tmp_path / "question.wav"
    soundfile.write(path, np.frombuffer(hum(), "<i2"), RATE, subtype="PCM_16")
    return path


def block(said: str) -> dict[str, Any]:
    """The names that a program of the page defines."""
    page = PAGE.read_text(encoding="utf-8")
    (text,) = [found for found in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if said in found]
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(text, "realtime.md", "exec", dont_inherit=True), names)
    return names


def clerk() -> Clerk:
    (found,) = [each for each in Clerk.met if each.prompts]
    return found


def run(steps: Any) -> Any:
    return asyncio.run(asyncio.wait_for(steps, PATIENCE_S))


def test_the_openai_client_of_the_page_hears_the_reply(
    live: Live, question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = run(block("AsyncOpenAI")["ask"](f"http://127.0.0.1:{live.port}", TOKEN, str(question)))
    assert len(reply) == FRAMES * 2
    said, answer = clerk().history
    assert capsys.readouterr().out.splitlines() == [f"you:   {said[1]}", f"agent: {answer[1]}"]
    assert clerk().prompts[0][0] == "Answer in one short sentence."


def test_agents_sdk_example_of_the_docs_keeps_the_history(
    live: Live, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = block("RealtimeRunner")
    names["config"].update(url=f"ws://127.0.0.1:{live.port}/v1/realtime", api_key=TOKEN)
    run(names["talk"](hum()))
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == [f"{role} ['{text}']" for role, text in clerk().history]


def test_the_agents_client_interrupts_and_its_view_is_the_models_memory(live: Live) -> None:
    from agents.realtime import RealtimeAgent, RealtimeRunner

    async def talk() -> list[str]:
        runner = RealtimeRunner(RealtimeAgent(name="Ada", instructions="Be kind."))
        config: Any = {"url": f"ws://127.0.0.1:{live.port}/v1/realtime", "api_key": TOKEN}
        async with await runner.run(model_config=config) as session:
            await session.send_message("Where is Rome?")
            heard = ends = 0
            cut = False
            async for event in session:
                assert event.type != "error", event
                if event.type == "audio":
                    heard += len(event.audio.data)
                if heard > RATE and not cut:  # half a second of two bytes a sample
                    cut = True
                    await session.interrupt()
                ends += event.type == "agent_end"
                if ends == 1 and cut:
                    ends = 2
                    await session.send_message("And Milan?")
                elif ends == 3:
                    break
            await asyncio.sleep(0)
            return [
                str(getattr(part, "transcript", None) or getattr(part, "text", None) or "")
                for item in session._history
                if item.type == "message" and item.role == "assistant"
                for part in item.content
            ]

    seen = run(talk())
    remembered = [text for role, text in clerk().history if role == "assistant"]
    assert seen == remembered
    assert len(remembered[0].split()) < len(REPLY.split())
    assert remembered[1] == REPLY


def test_the_stock_clients_learn_at_once_that_their_key_is_wrong(live: Live) -> None:
    from agents.realtime import RealtimeAgent, RealtimeRunner
    from openai import AsyncOpenAI

    async def openai() -> None:
        client = AsyncOpenAI(api_key="a-wrong-key", base_url=f"http://127.0.0.1:{live.port}/v1")
        async with client.realtime.connect(model="any"):
            raise AssertionError("it is connected")

    async def agents() -> None:
        runner = RealtimeRunner(RealtimeAgent(name="Ada"))
        config: Any = {"url": f"ws://127.0.0.1:{live.port}/v1/realtime", "api_key": "a-wrong-key"}
        async with await runner.run(model_config=config):
            raise AssertionError("it is connected")

    for talk in (openai, agents):
        with pytest.raises(Exception, match="HTTP 401") as raised:
            run(talk())
        assert not isinstance(raised.value, AssertionError)
    assert live.closed == {"token": 2}


def test_the_openai_client_cuts_looks_up_and_deletes(live: Live) -> None:
    from openai import AsyncOpenAI

    async def talk() -> str:
        client = AsyncOpenAI(api_key=TOKEN, base_url=f"http://127.0.0.1:{live.port}/v1")
        async with client.realtime.connect(model="any") as connection:
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Rome?"}]}
            )
            await connection.response.create(response={"instructions": "Be kind."})
            sound = b""
            async for event in connection:
                assert event.type != "error", event
                if event.type == "response.output_audio.delta":
                    sound += base64.b64decode(event.delta)
                elif event.type == "response.done":
                    assert len(sound) == FRAMES * 2
                    assert event.response.output
                    item = event.response.output[0].id or ""
                    end = {"content_index": 0, "audio_end_ms": 2 * WORD_MS}
                    await connection.conversation.item.truncate(item_id=item, **end)
                elif event.type == "conversation.item.truncated":
                    await connection.conversation.item.retrieve(item_id=event.item_id)
                elif event.type == "conversation.item.retrieved":
                    assert event.item.type == "message"
                    return str(event.item.content[0].model_dump()["transcript"])
        raise AssertionError

    assert run(talk()) == " ".join(REPLY.split()[:2]) == clerk().history[-1][1]


if PACKAGES and shutil.which("node"):  # .ci/run installs the client where there is a node

    def test_javascript_client_keeps_the_history(live: Live, question: Path) -> None:
        words = [
            "node",
            str(Path(__file__).with_name("talk.mjs")),
            PACKAGES,
            f"ws://127.0.0.1:{live.port}",
            TOKEN,
        ]
        done = subprocess.run(
            [*words, str(question)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["errors"] == []
        assert [tuple(entry) for entry in told["history"]] == clerk().history
        assert told["sound"] == FRAMES * 2
