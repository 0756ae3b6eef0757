"""Extras out of a distribution's metadata, and weights out of the caches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vflow import models
from vflow.doctor.inventory import extras, weights
from vflow.models import hub_cache

METADATA = """\
Metadata-Version: 2.3
Name: thing
Version: 1.0
Provides-Extra: good
Provides-Extra: poor
Requires-Dist: not-needed-by-an-extra
Requires-Dist: numpy>=1.0; extra == 'good'
Requires-Dist: nothing-like-it; sys_platform == 'plan9' and extra == 'good'
Requires-Dist: numpy<1.0; extra == 'poor'
Requires-Dist: nothing-like-it>=2; extra == 'poor'
"""


def test_an_extra_is_complete_where_each_requirement_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thing-1.0.dist-info").mkdir()
    (tmp_path / "thing-1.0.dist-info" / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(str(tmp_path))
    good, poor = extras("thing")
    assert (good.name, good.missing, good.mend) == ("good", (), "")
    assert poor.missing == (
        f"numpy<1.0 ({np.__version__} is installed)",
        "nothing-like-it>=2 (not installed)",
    )
    assert poor.mend == "pip install 'thing[poor]'"


def test_the_extras_of_vflow_are_found() -> None:
    assert {"audio", "speech"} <= {extra.name for extra in extras()}


def test_a_source_tree_that_is_not_installed_has_no_extras() -> None:
    assert extras("vflow-that-nobody-installed") == []


def test_a_known_model_is_here_or_has_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    found = {model.name: model for model in weights()}
    assert (found["smollm2"].state, found["smollm2"].mend) == ("not here", "vflow models pull smollm2")
    file = models.find("smollm2").files[0]
    models.path("smollm2").mkdir(parents=True)
    with open(models.path("smollm2") / file.name, "wb") as stream:
        stream.truncate(file.size)
    here = next(model for model in weights() if model.name == "smollm2")
    assert (here.state, here.mend, here.demo) == ("present", "", True)


def test_models_in_the_hubs_cache_are_complete_incomplete_or_single_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    repositories = {
        "whole": ("config.json", "model.safetensors"),
        "half": ("config.json",),
        "onnx": ("a.onnx",),
    }
    for name, files in repositories.items():
        folder = hub_cache.cache_dir() / f"models--owner--{name}" / "snapshots" / ("0" * 40)
        folder.mkdir(parents=True)
        for file in files:
            (folder / file).write_bytes(bytes(5))
    found = {model.name: model for model in weights() if "/" in model.name}
    assert (found["owner/whole"].state, found["owner/whole"].size) == ("present", 10)
    assert (found["owner/half"].state, found["owner/half"].mend) == (
        "incomplete",
        "vflow models pull owner/half",
    )
    assert (found["owner/onnx"].state, found["owner/onnx"].mend) == ("files", "")
