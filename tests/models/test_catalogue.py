"""Known models: found by name, required where they must be here, and the place of their files."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from vflow import Unavailable, models
from vflow.models import catalogue, npm

SHIPPED = models.known()
CONTENT = b"weights"
TINY = models.Model(
    "tiny",
    "a test",
    "none",
    (models.File("model", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), (models.Part("w==1", "m"),)),),
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, for a table of one model."""
    monkeypatch.setattr(catalogue, "_TABLE", (TINY,))
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_is_found_by_its_name_and_a_near_one_is_named() -> None:
    assert models.find("tiny") is TINY
    with pytest.raises(Unavailable, match=r"^no model 'tinny' is known; did you mean 'tiny'\?$"):
        models.find("tinny")
    with pytest.raises(Unavailable, match=r"known: tiny; one of the hub reads OWNER/NAME$"):
        models.find("something-else")


def test_a_model_is_present_with_every_file_in_its_size(cache: Path) -> None:
    folder = cache / "models" / "tiny"
    assert models.path("tiny") == folder
    folder.mkdir(parents=True)
    (folder / "model").write_bytes(CONTENT[:-1])
    assert not models.is_present("tiny")
    (folder / "model").write_bytes(CONTENT)
    assert models.is_present("tiny")
    assert models.require("tiny") == folder


def test_a_model_that_must_be_there_names_the_command() -> None:
    with pytest.raises(Unavailable, match=r"^model tiny is not here: vflow models pull tiny$"):
        models.require("tiny")


@pytest.mark.skipif(sys.platform != "linux", reason="the cache's place on Linux")
def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "own"))
    assert models.cache_dir() == tmp_path / "own"
    monkeypatch.delenv("VFLOW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models.cache_dir() == tmp_path / "vflow"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert models.cache_dir() == tmp_path / ".cache" / "vflow"


def test_every_known_model_is_described_and_names_exact_wheels() -> None:
    for model in SHIPPED:
        assert model.about
        assert model.licence
        assert model.size > 0
        assert all("==" in wheel or npm.is_npm(wheel) for wheel in model.wheels)
        assert all(len(file.sha256) == 64 for file in model.files)
