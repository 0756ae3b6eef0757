"""The agent that hears by itself, on a tiny Voxtral with random weights: its words alone are noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests import voxtral_checkpoint
from vflow_nodes.lib.speech import readable

from .conftest import QUESTION, Run


def has_sounds(word: str) -> bool:
    """Return whether an English voice can say something for a word, or need not."""
    return any(map(str.isalnum, readable(word, "LATIN"))) or not any(map(str.isalnum, word))


def test_a_spoken_question_is_answered_aloud_on_a_cpu(run: Callable[..., Run], tmp_path: Path) -> None:
    model = voxtral_checkpoint.build(tmp_path / "tiny")
    sets = {
        "generator.model": model, "generator.device": "cpu", "generator.max_tokens": 30, "generator.seed": 1,
        "generator.context": 1024,
    }  # fmt: skip
    options = [f"--set={name}={value}" for name, value in sets.items()]
    done = run("voxtral_agent.yaml", *options, input=QUESTION)
    assert done.code == 0, done.err
    (turn,) = done.report["turns"]
    assert turn["words"] >= 1
    assert turn["tokens"] <= 30
    assert turn["stop_reason"] in ("eos", "limit")
    assert turn["heard"].split() == [word for word in turn["reply"].split() if has_sounds(word)]
    assert turn["speculation"]["result"] == "hit"
    assert turn["latency_ms"]["compute"] is not None
    played, rate = done.heard()
    assert np.abs(played).max() > 0.05
    assert len(played) > rate
