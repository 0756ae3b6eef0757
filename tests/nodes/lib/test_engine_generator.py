"""What the generators with a decode engine share; replies and histories are tested with each of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.voxtral_checkpoint import build as checkpoint
from vflow import Harness
from vflow_nodes.generator.voxtral.node import VoxtralGenerator


def test_a_generator_advises_with_figures_and_says_what_has_no_effect(tmp_path: Path) -> None:
    node = VoxtralGenerator(model=str(checkpoint(tmp_path)), device="cpu", dtype="float32", context=512)
    with Harness(node):
        advice = list(node.advise())
    settings = [(each.setting, each.value) for each in advice]
    assert settings == [("dtype", "int8"), ("dtype", "int8"), ("tf32", "true"), ("graphs", "true")]
    assert [each.effect for each in advice[1:]] == ["smaller", "none", "none"]
    assert all(each.after is not None for each in advice[:2])


def test_settings_that_cannot_have_their_effect_are_warned_of(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 4096
    (folder / "config.json").write_text(json.dumps(config))
    node = VoxtralGenerator(
        model=str(folder), device="cpu", context=9000, slots=1, min_tokens=30, max_tokens=20,
        early_stopping=True,
    )  # fmt: skip
    with Harness(node) as harness:
        warnings = [message.text for message in harness.messages if message.kind == "warning"]
    assert warnings == [
        "early_stopping does nothing: it belongs to beam search, and a reply is one beam",
        "context 9,000 is more than the model's 4,096 tokens",
        "min_tokens is above max_tokens: every reply ends at 20 tokens",
    ]
