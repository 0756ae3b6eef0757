"""Moonshine's model is found, and its absence is reported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from vflow import Unavailable
from vflow_nodes.lib.moonshine import folder_of, problem
from vflow_nodes.stt.moonshine import MoonshineStt


def test_a_missing_package_is_named_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vflow-voice[speech]'" in problem() == MoonshineStt.unavailable()
    with pytest.raises(Unavailable, match="moonshine-voice is not installed"):
        folder_of("tiny-en")


def test_a_wheel_without_a_model_is_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vflow_nodes.lib.moonshine.bundled", lambda: tmp_path)
    assert "moonshine-voice==0.1.0" in problem()


def test_a_folder_of_ones_own_needs_all_files(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"tokenizer\.bin not found"):
        folder_of(str(tmp_path))
