"""`chat.openai` asks a server that others wrote: `transformers serve`, with a model that says one reply."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.nodes.chat import parrot
from vflow import Harness, TextPacket, TurnEnd
from vflow_nodes.chat.openai import OpenAiChat


@contextmanager
def transformers_serve() -> Iterator[str]:
    """Run the server until the block ends; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("transformers")),
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    with subprocess.Popen(
        [*command, "--device", "cpu"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=quiet
    ) as server:
        try:
            assert server.stdout is not None
            seen = []
            for line in server.stdout:
                seen.append(line)
                if "Uvicorn running" in line:
                    break
            else:
                pytest.fail("".join(seen))
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


@pytest.mark.timeout(300)
def test_words_of_a_model_served_by_transformers_are_said(tmp_path: Path) -> None:
    pieces = ["<think>", "A greeting.", "</think>", "Good ", "morning, ", "and ", "welcome."]
    model = parrot.build(tmp_path, pieces)
    with transformers_serve() as url:
        node = OpenAiChat(base_url=url, model=str(model), max_tokens=30, patience="120s", gap="60s")
        with Harness(node) as harness:
            *words, end = harness.push(TextPacket(text="Hello.", turn=1))
            assert not [m.text for m in harness.messages if m.kind == "warning"]
    assert [word.text for word in words if isinstance(word, TextPacket)] == [
        "Good",
        "morning,",
        "and",
        "welcome.",
    ]
    assert isinstance(end, TurnEnd)
    assert end.meta["stop_reason"] == "eos"
    assert end.meta["thought_tokens"] > 0
