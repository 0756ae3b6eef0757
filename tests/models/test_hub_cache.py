"""The cache of the hub's libraries: names, where it lies, and what a folder in it is good for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vflow import Unavailable, models
from vflow.models import hub_cache

NAME = "somebody/speaks-1.5"
COMMIT = "5" * 40


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(*files: str, name: str = NAME, content: bytes = b"1") -> Path:
    """A snapshot that `main` points at, with these files beside those that it holds."""
    folder = hub_cache.repository(name) / "snapshots" / COMMIT
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    (hub_cache.repository(name) / "refs").mkdir(exist_ok=True)
    (hub_cache.repository(name) / "refs" / "main").write_text(COMMIT)
    return folder


@pytest.mark.parametrize("name", ["a/b", "mistralai/Voxtral-Mini-3B-2507", "A_1/b.c-d"])
def test_a_hub_name_is_known_by_its_form(name: str) -> None:
    assert models.is_hub_name(name)


@pytest.mark.parametrize(
    "text", ["smollm2", "./a", "../a", "/a/b", "~/a", "a/b/c", "a/", "a/..", "a b/c", "a--b/c", "", "a/é"]
)
def test_a_name_that_is_no_hub_name_is_known_by_its_form(text: str) -> None:
    assert not models.is_hub_name(text)
    with pytest.raises(Unavailable, match="is no name of a hub's model"):
        models.require_hub(text)


def test_a_model_that_is_not_here_names_the_command(cache: Path) -> None:
    with pytest.raises(Unavailable, match=f"^model {NAME} is not here: vflow models pull {NAME}$"):
        models.require_hub(NAME)
    with pytest.raises(Unavailable, match=f"vflow models pull {NAME} --revision v2$"):
        models.require_hub(NAME, "v2")
    assert not models.hub_present(NAME)
    assert hub_cache.here() == []


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ("config.json model.safetensors", "present"),
        ("config.json pytorch_model.bin onnx/model.onnx", "present"),
        ("config.json consolidated.safetensors", "present"),
        ("config.json", "in part"),
        ("config.json tokenizer.json pytorch_model-00001-of-00002.bin", "in part"),
        ("config.json model.safetensors.index.json", "in part"),
        ("model.onnx", "files"),
        ("onnx/model_q4.onnx config.json", "files"),
        ("model.safetensors", "files"),
        ("README.md", "files"),
    ],
)
def test_a_snapshot_is_a_model_a_part_of_one_or_single_files(cache: Path, files: str, state: str) -> None:
    folder = put(*files.split())
    (copy,) = hub_cache.here()
    assert (copy.name, copy.folder, copy.state) == (NAME, folder, state)
    assert models.hub_present(NAME) == (state == "present")


def test_an_empty_snapshot_is_a_part(cache: Path) -> None:
    (put("model.onnx") / "model.onnx").unlink()
    assert [copy.state for copy in hub_cache.here()] == ["in part"]


def test_single_files_are_no_model_and_the_error_says_so(cache: Path) -> None:
    put("model.onnx")
    with pytest.raises(Unavailable, match=f"single files of {NAME} are here, and not all that transformers"):
        models.require_hub(NAME)


def test_a_model_without_a_shard_that_its_index_names_is_here_in_part(cache: Path) -> None:
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    folder = put("config.json", *names)
    index = f'{{"weight_map": {{"a": "{names[0]}", "b": "{names[1]}"}}}}'
    (folder / "model.safetensors.index.json").write_text(index)
    assert models.require_hub(NAME) == folder
    (folder / names[1]).unlink()
    with pytest.raises(Unavailable, match="here in part, not whole: vflow models pull"):
        models.require_hub(NAME)
    (folder / names[1]).write_bytes(b"2")
    (folder / "model.safetensors.index.json").write_bytes(b"{")
    assert not models.hub_present(NAME)


def test_the_listing_counts_the_remains_of_a_killed_pull(cache: Path) -> None:
    put("config.json", content=b"12")
    (hub_cache.repository(NAME) / "blobs").mkdir()
    (hub_cache.repository(NAME) / "blobs" / "abc.12345678.incomplete").write_bytes(b"345")
    assert [copy.size for copy in hub_cache.here()] == [5]


def test_a_file_that_another_program_deletes_meanwhile_counts_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("config.json", "model.safetensors")
    is_file = Path.is_file

    def then_deleted(file: Path) -> bool:
        found = is_file(file)
        if file.name == "model.safetensors":
            file.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "is_file", then_deleted)
    assert [copy.name for copy in hub_cache.here()] == [NAME]


def test_a_revision_cannot_leave_the_cache(cache: Path) -> None:
    put("config.json")
    (cache.parent / "x").write_text(COMMIT)
    assert hub_cache.hub_snapshot(NAME) is not None
    assert hub_cache.hub_snapshot(NAME, "../../../x") is None
    assert not hub_cache.is_revision("../x")


def test_the_cache_is_where_the_hubs_own_library_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = "import huggingface_hub.constants as c; print(c.HF_HUB_CACHE)"
    for variable in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("", "XDG_CACHE_HOME", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"):
        if variable:
            monkeypatch.setenv(variable, f"~/{variable}/$LOGNAME")
        theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert str(hub_cache.cache_dir()) == theirs.stdout.strip(), variable
