"""The pipelines that come with vflow are found by name, behind files and before nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from vflow import GraphError, load
from vflow.graph import shipped

PIPELINES = Path(__file__).parents[2] / "pipelines"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(file: str) -> tuple[str, str, str]:
    """Return place, message and mend of the finding."""
    with pytest.raises(GraphError) as caught:
        shipped.find(file)
    (found,) = caught.value.diagnostics
    return str(found.place), found.message, found.mend


def test_a_checkout_ships_the_pipelines_at_its_root() -> None:
    assert shipped.folder() == PIPELINES
    assert shipped.names() == ["echo", "say", "transcribe", "voice_agent", "voxtral_agent"]


@pytest.mark.parametrize("name", shipped.names())
def test_a_shipped_pipeline_is_found_by_its_name_and_loads(name: str) -> None:
    assert shipped.find(name) == str(PIPELINES / f"{name}.yaml")
    assert load(shipped.find(name), require_available=False).nodes


def test_a_file_of_that_name_goes_before_the_shipped_pipeline() -> None:
    Path("echo").write_text("mine")
    assert shipped.find("echo") == "echo"


def test_a_folder_of_that_name_does_not_hide_the_shipped_pipeline() -> None:
    Path("echo").mkdir()
    assert shipped.find("echo") == str(PIPELINES / "echo.yaml")


@pytest.mark.parametrize("file", ["no.yaml", "./echo", "sub/echo", "/dev/zero", ".", "folder"])
def test_a_path_is_left_as_it_is(file: str) -> None:
    Path("folder").mkdir()
    assert shipped.find(file) == file


def test_unknown_name_is_refused_with_the_nearest_and_all_names() -> None:
    place, message, mend = refused("voice_agnt")
    assert (place, message) == ("voice_agnt", "no such file, and no pipeline of this name comes with vflow")
    assert mend.startswith("did you mean 'voice_agent'?")
    assert mend.endswith("(vflow comes with echo, say, transcribe, voice_agent, voxtral_agent)")
    assert refused("x" * 5000)[2].startswith("check the name (vflow comes with echo, ")


@pytest.mark.parametrize("file", ["pipelines/say.yaml", "say.yaml", "say.yml"])
def test_missing_path_to_a_shipped_pipeline_is_refused_with_its_name(file: str) -> None:
    assert refused(file) == (file, "no such file", "write 'say' for the pipeline that comes with vflow")
