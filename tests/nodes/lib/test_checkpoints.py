"""Models by name: what is found, and what is said where none is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vflow import Unavailable, models
from vflow_nodes.lib import checkpoints


def test_out_of_memory_error_names_the_properties_to_lower() -> None:
    with (
        pytest.raises(Unavailable, match=r"'smollm2' does not fit into the memory of cpu; set 'slots' or"),
        checkpoints.loading("smollm2", "cpu", "a model"),
    ):
        torch.zeros(1 << 46)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smolm2", "no model 'smolm2' is known; did you mean 'smollm2'"),
        ("kokoro-ja", "kokoro-ja is not a language model"),
        ("./nowhere", "no directory ./nowhere; set 'model' to one, or to a name such as smollm2"),
        ("~/nowhere", f"no directory {Path.home()}/nowhere"),
        ("", "'model' names none; set it to a directory or to a name, such as smollm2"),
    ],
)
def test_model_that_cannot_be_loaded_is_refused_with_the_reason(name: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        checkpoints.locate(name, print)


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"holds no config\.json"):
        checkpoints.locate(str(tmp_path), print)


def test_a_model_that_is_not_here_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match=r"^model smollm2 is not here: vflow models pull smollm2$"):
        checkpoints.locate("smollm2", print)


def test_interrupted_conversion_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(folder: Path, gguf: str, target: Path) -> None:
        target.mkdir()
        (target / "config.json").write_text("{}")
        raise KeyboardInterrupt

    weights = models.path("smollm2")
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "smollm2").symlink_to(weights)
    monkeypatch.setattr(checkpoints, "convert", interrupt)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.locate("smollm2", print)
    assert list((tmp_path / "converted").iterdir()) == []


def test_int8_is_made_from_the_device_s_type() -> None:
    assert checkpoints.dtype_for("cuda", "int8") == checkpoints.dtype_for("cuda") == torch.bfloat16
    assert checkpoints.dtype_for("cpu", "float16") == torch.float16
