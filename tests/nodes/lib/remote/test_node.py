"""Nodes with a remote model are used only if they are named, and say which package is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from vflow import Unavailable
from vflow.graph.registry import Registry
from vflow.graph.resolver import NAMED_ONLY, Resolver
from vflow_nodes.chat.openai import OpenAiChat


@pytest.mark.parametrize("role", ["generator", "stt", "tts"])
def test_role_never_picks_a_remote_model_by_itself(role: str) -> None:
    remote = [c for c in Resolver(Registry({})).candidates(role) if c.name == f"{role}.openai"]
    assert [c.problem for c in remote] == [NAMED_ONLY]


def test_named_remote_model_is_accepted() -> None:
    assert Resolver(Registry({})).resolve("generator.openai", Path()).problem == ""


def test_without_its_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "httpx2" else found(name))
    assert "httpx2 not installed: pip install" in OpenAiChat.unavailable()
    with pytest.raises(Unavailable, match="remote"):
        OpenAiChat().open()


@pytest.mark.parametrize(
    "name", ["chat.openai", "generator.remote", "generator.openai", "stt.openai", "tts.openai"]
)
def test_a_remote_node_can_be_inspected_without_its_extra(name: str) -> None:
    program = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(['httpx2', 'regex', 'icu4py', 'torch', 'transformers'])\n"
        f"sys.argv[1:] = ['inspect', '{name}']\n"
        "from vflow.cli.main import entry\n"
        "entry()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert "vflow-voice[remote]" in done.stdout
