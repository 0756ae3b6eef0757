"""The base of the generators with a decode engine; replies and histories are tested with each of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.nodes.chat import tiny_model
from tests.voxtral_checkpoint import build as checkpoint
from vflow import GraphError, Harness, NodeError, TextPacket, TurnEnd, Unavailable
from vflow.graph.loader import load_text
from vflow.runtime.shared_models import MODELS
from vflow_nodes.chat import Chat
from vflow_nodes.generator.voxtral.node import VoxtralGenerator
from vflow_nodes.lib.decode.errors import DecodeError


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
        "context 9,000 is more than the model's 4,096 tokens, and the history is cut to those; "
        "set 'model' to one with a longer context, since this one sees 4,096 tokens at a time",
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.build(tmp_path_factory.mktemp("model"))


def chat(folder: Path) -> Chat:
    return Chat(model=str(folder), device="cpu", dtype="float32", context=256, slots=2, max_tokens=5)


def engine_of(harness: Harness) -> Any:
    node: Any = harness.node
    return node.replies.engine


def kill(harness: Harness) -> None:
    """End the engine's thread by a fault of its own."""
    engine = engine_of(harness)

    def fault() -> None:
        raise RuntimeError("a fault")

    engine.ask(fault)
    engine._thread.join(20)
    assert not engine._thread.is_alive()


def ask(harness: Harness, turn: int) -> list[Any]:
    harness.pull()
    return harness.push(TextPacket(text="Hi.", turn=turn))


def end(items: list[Any]) -> Any:
    (found,) = [item for item in items if isinstance(item, TurnEnd)]
    return found.meta["stop_reason"]


def fails(harness: Harness, turn: int) -> None:
    with pytest.raises((NodeError, DecodeError), match="the decode engine ended: RuntimeError: a fault"):
        ask(harness, turn)
    assert end(harness.pull()) == "error"


def test_the_next_start_gets_a_fresh_engine_though_another_holds_the_dead_one(folder: Path) -> None:
    with Harness(chat(folder)) as first:
        kill(first)
        with Harness(chat(folder)) as second, Harness(chat(folder)) as third:
            assert engine_of(second) is engine_of(third)
            assert engine_of(second) is not engine_of(first)
            assert end(ask(second, 1)) == "limit"
            assert end(ask(third, 1)) == "limit"
            fails(first, 1)
    assert not MODELS._entries


def test_a_reply_raises_the_death_and_the_turn_after_it_gets_a_fresh_engine(folder: Path) -> None:
    """As with `on_error: skip`: the harness goes on after an error."""
    with Harness(chat(folder)) as harness:
        assert end(ask(harness, 1)) == "limit"
        for turn in (2, 4):
            kill(harness)
            fails(harness, turn)
            assert end(ask(harness, turn + 1)) == "limit"
        assert [len(entries) for entries in MODELS._entries.values()] == [1], "the dead are given back"
    assert not MODELS._entries


def test_a_fresh_engine_that_does_not_load_ends_the_turn_and_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Harness(chat(folder)) as harness:
        kill(harness)
        fails(harness, 1)

        def missing(*_: Any) -> Any:
            raise Unavailable("it is gone")

        with monkeypatch.context() as patch:
            patch.setattr("vflow_nodes.lib.checkpoints.locate", missing)
            with pytest.raises((NodeError, Unavailable), match="it is gone"):
                ask(harness, 2)
            assert end(harness.pull()) == "error"
        assert end(ask(harness, 3)) == "limit"


def test_engine_that_dies_in_warm_up_is_reported_and_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> Any:
        raise SystemExit("a fault")

    with monkeypatch.context() as patch:
        patch.setattr("vflow_nodes.lib.decode.scheduler.Scheduler.plan", die)
        with pytest.raises(Unavailable, match=r"^the decode engine ended: SystemExit: a fault$"):
            Harness(chat(folder)).__enter__()
    assert not MODELS._entries
    with Harness(chat(folder)) as harness:
        assert end(ask(harness, 1)) == "limit"


def test_a_warm_up_out_of_memory_names_what_mends_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: Any) -> Any:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ...")

    monkeypatch.setattr("vflow_nodes.lib.decode.stepper.Stepper.warm_up", no_room)
    with pytest.raises(Unavailable, match=r"^the device is out of memory at its warm-up; set 'slots'"):
        Harness(chat(folder)).__enter__()
