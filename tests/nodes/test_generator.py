"""What the generators with a decode engine share; replies and histories are tested with each of them."""

from __future__ import annotations

from pathlib import Path

from tests.voxtral_checkpoint import build as checkpoint
from vflow import Harness
from vflow_nodes.voxtral.node import VoxtralGenerator


def test_a_generator_advises_with_figures_and_says_what_has_no_effect(tmp_path: Path) -> None:
    node = VoxtralGenerator(model=str(checkpoint(tmp_path)), device="cpu", dtype="float32", context=512)
    with Harness(node):
        advice = list(node.advise())
    settings = [(each.setting, each.value) for each in advice]
    assert settings == [("dtype", "int8"), ("dtype", "int8"), ("tf32", "true"), ("graphs", "true")]
    assert [each.effect for each in advice[1:]] == ["smaller", "none", "none"]
    assert all(each.after is not None for each in advice[:2])
