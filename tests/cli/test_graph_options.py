"""Options of a verb change its graph: properties, and files instead of devices."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import GraphError
from vflow.cli import graph_options
from vflow.errors import Diagnostic

ECHO = str(Path(__file__).parents[2] / "pipelines" / "echo.yaml")


def test_value_may_contain_separators_and_the_last_of_two_wins() -> None:
    texts = ["chat.system=a=b.c", "vad.turn.speculate=true", "chat.seed=1", "chat.seed=2"]
    assert graph_options.overrides_of(texts) == {
        "chat.system": "a=b.c",
        "vad.turn.speculate": "true",
        "chat.seed": "2",
    }


@pytest.mark.parametrize("text", ["frame", "frame=10ms", "mic.frame", ""])
def test_malformed_set_option_is_refused_with_its_mend(text: str) -> None:
    with pytest.raises(GraphError) as raised:
        graph_options.overrides_of([text])
    (found,) = raised.value.diagnostics
    assert found.message == f"{text!r} is not a property"
    assert found.mend == "write --set node.property=value"


def test_files_stand_in_for_the_devices_and_silence_follows_the_input(tmp_path: Path) -> None:
    said = tmp_path / "in.wav"
    soundfile.write(said, np.full(1600, 0.1), 16_000)
    options = Namespace(file=ECHO, set=["mic.frame=10ms"], input=str(said), output=str(tmp_path / "out.wav"))
    nodes = graph_options.load(options).nodes
    assert (nodes["mic"].resolved, nodes["speaker"].resolved) == ("wav_source", "wav_sink")
    assert nodes["mic"].values["pad"] == graph_options.PAD
    assert nodes["mic"].values["pace"] == "clock"
    assert nodes["mic"].values["frame"] == "10ms"


def options(tmp_path: Path, graph: str, **more: object) -> Namespace:
    """Return the options of a run of `graph` with files for both devices."""
    said = tmp_path / "in.wav"
    soundfile.write(said, np.full(1600, 0.1), 16_000)
    files = {"input": str(said), "output": str(tmp_path / "out.wav")}
    return Namespace(**{"file": graph, "set": [], **files, **more})


def test_fast_takes_the_input_as_the_graph_can(tmp_path: Path) -> None:
    nodes = graph_options.load(options(tmp_path, ECHO, fast=True)).nodes
    assert (nodes["mic"].values["pace"], nodes["speaker"].values["sync"]) == ("free", False)


@pytest.mark.parametrize(
    ("graph", "changes", "message"),
    [
        ("voice_agent", {}, "generator.chat answers the user as time goes by"),
        (ECHO, {"input": None}, "is for files"),
    ],
)
def test_fast_is_refused_where_a_graph_lives_by_the_clock(
    tmp_path: Path, graph: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        graph_options.load(options(tmp_path, graph, fast=True, **changes), require_available=False)


@pytest.mark.parametrize(("role", "option"), [("mic", "--input"), ("speaker", "--output")])
def test_a_missing_device_names_the_option_that_does_without(
    role: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: object, **kwargs: object) -> None:
        raise GraphError([Diagnostic(f"it: nothing can play the role {role!r} here: no device")])

    monkeypatch.setattr(graph_options.loader, "load", missing)
    with pytest.raises(GraphError) as raised:
        graph_options.load(Namespace(file=ECHO, set=[], input=None, output=None))
    assert f"{option} " in raised.value.diagnostics[0].mend
