"""What the generators with a decode engine share; replies and histories are tested with each of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.voxtral_checkpoint import build as checkpoint
from vflow import GraphError, Harness
from vflow.graph.loader import load_text
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
    )  # fmt: skip
    with Harness(node) as harness:
        warnings = [message.text for message in harness.messages if message.kind == "warning"]
    assert warnings == [
        "context 9,000 is more than the model's 4,096 tokens",
        "min_tokens is above max_tokens: every reply ends at 20 tokens",
    ]


@pytest.mark.parametrize(
    "command", ["inspect chat", "inspect generator.voxtral", "check pipelines/voice_agent.yaml"]
)
def test_a_generator_is_inspected_and_checked_without_torch(command: str) -> None:
    blocked = "torch transformers tokenizers regex triton"
    program = (
        "import sys\n"
        f"sys.modules |= dict.fromkeys({blocked.split()})\n"
        f"sys.argv[1:] = {command.split()}\n"
        "from vflow.cli.main import entry\n"
        "entry()"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert "torch and transformers" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["length_penalty", "early_stopping"])
@pytest.mark.parametrize("use", ["chat", "generator.voxtral"])
def test_a_setting_of_beam_search_is_refused_with_the_reason(name: str, use: str) -> None:
    graph = f"nodes:\n  llm: {{use: {use}, {name}: 1}}\nlinks: [llm.words -> llm]"
    with pytest.raises(
        GraphError, match=rf"llm: no property '{name}': it belongs to beam search, .*one beam"
    ):
        load_text(graph, require_available=False)
