"""A Voxtral that loads is heard in the node's tests; one that does not says what mends it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vflow import Unavailable
from vflow_nodes.generator.voxtral import MODEL, loading
from vflow_nodes.lib.decode.build import Options


def loaded(name: str, attention: str = "sdpa") -> None:
    loading.load(name, "cpu", "float32", Options(), attention, False, lambda _: None).close()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"model_type": "llama"}', "is llama, not voxtral"),
        ('{"model_type": "voxtral_realtime"}', "only transcribes"),
        ("rubbish", "config.json that cannot be read: fetch the model anew"),
        ("[]", "config.json that cannot be read: fetch the model anew"),
        ("\udcff{", "config.json that cannot be read: fetch the model anew"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, config: str, words: str) -> None:
    (tmp_path / "config.json").write_bytes(config.encode(errors="surrogateescape"))
    with pytest.raises(Unavailable, match=words):
        loaded(str(tmp_path))


def test_the_special_tokens_that_begin_what_is_no_speech_are_known(checkpoint: Path) -> None:
    voxtral = loading.load(str(checkpoint), "cpu", "float32", Options(), "sdpa", False, lambda _: None)
    voxtral.close()
    marks = set(voxtral.engine.vocabulary.markup.specials.values())
    assert marks >= {"[INST]", "[/INST]", "[TOOL_CALLS]", "[ARGS]"}


def test_damaged_weights_are_refused(tmp_path: Path, checkpoint: Path) -> None:
    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(Unavailable, match=r"does not load: .*fetch it anew"):
        loaded(str(tmp_path))


def test_a_folder_without_a_vocabulary_is_refused(weights: Path) -> None:
    with pytest.raises(Unavailable, match=r"holds no tekken.json .* was not fetched whole$"):
        loaded(str(weights))


def test_a_config_that_does_not_fit_the_weights_is_said_in_a_line(
    tmp_path: Path, checkpoint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["intermediate_size"] *= 2
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(Unavailable, match=r"does not load: its config.json does not fit its weights; set"):
        loaded(str(tmp_path))
    told = capfd.readouterr()
    assert told.out + told.err == ""


def test_an_attention_that_is_not_to_be_had_is_no_fault_of_the_model(checkpoint: Path) -> None:
    with pytest.raises(Unavailable, match=r"^no flash_attention_2: .*; set 'attention: sdpa'"):
        loaded(str(checkpoint), attention="flash_attention_2")


def test_a_model_that_is_not_here_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match="vflow models pull mistralai/Voxtral-Mini-3B-2507"):
        loaded(MODEL)
