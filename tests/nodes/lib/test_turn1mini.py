"""turn-1-mini's streams, on a stand-in of its shapes: steps, states, and ratings between two steps."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.hub_server import Hub, point_at, serve
from tests.nodes.end_of_turn.turn1mini_stand_in import model, pulled
from vflow import Samples, Unavailable
from vflow.models import hub_download
from vflow_nodes.lib import turn1mini
from vflow_nodes.lib.turn1mini import FILES, FRAME, HUB, STEP, Stream, Turn1Mini

pytest.importorskip("onnxruntime")


@pytest.fixture
def loaded(tmp_path: Path) -> Turn1Mini:
    file = tmp_path / "step.onnx"
    file.write_bytes(model())
    return Turn1Mini(file)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, and an empty cache."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    with serve(tmp_path / "served") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        yield served
        huggingface_hub.close_session()


def speech(samples: int) -> Samples:
    return np.random.default_rng(3).normal(0, 0.02, samples).astype(np.float32)


def logistic(total: float) -> float:
    return float(1 / (1 + np.exp(-total)))


def test_a_stream_rates_each_step_by_all_that_it_has_heard(loaded: Turn1Mini) -> None:
    said = speech(3 * STEP)
    expected = [logistic(said[: n * STEP].sum()) for n in (1, 2, 3)]
    np.testing.assert_allclose(list(Stream(loaded).add(said)), expected, rtol=1e-4)


@pytest.mark.parametrize("size", [1, 512, STEP - 1, STEP, 3 * STEP])
def test_sizes_of_packets_change_no_rating(loaded: Turn1Mini, size: int) -> None:
    said = speech(4 * STEP + 100)[:: 100 if size == 1 else 1]
    whole = list(Stream(loaded).add(said))
    stream = Stream(loaded)
    pieces = [p for at in range(0, len(said), size) for p in stream.add(said[at : at + size])]
    assert pieces == whole


def test_the_rating_between_two_steps_is_of_the_last_whole_frame_and_changes_nothing(
    loaded: Turn1Mini,
) -> None:
    said = speech(2 * STEP)
    stream = Stream(loaded)
    assert list(stream.add(said[: STEP + 3 * FRAME + 100]))
    expected = logistic(said[: STEP + 3 * FRAME].sum())
    assert stream.now() == pytest.approx(expected, rel=1e-4)
    assert stream.now() == pytest.approx(expected, rel=1e-4)
    assert list(stream.add(said[STEP + 3 * FRAME + 100 :])) == list(Stream(loaded).add(said))[1:]


def test_less_than_a_frame_after_a_step_has_the_rating_of_the_step(loaded: Turn1Mini) -> None:
    stream = Stream(loaded)
    assert stream.now() == 0.0
    (rated,) = stream.add(speech(STEP + FRAME - 1))
    assert stream.now() == rated


def test_two_streams_of_one_model_know_nothing_of_one_another(loaded: Turn1Mini) -> None:
    one, other = Stream(loaded), Stream(loaded)
    list(one.add(np.full(STEP, 0.5, np.float32)))
    (rated,) = other.add(np.zeros(STEP, np.float32))
    assert rated == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_sound_spoil_no_later_step(loaded: Turn1Mini, bad: float) -> None:
    stream = Stream(loaded)
    said = np.zeros(3 * STEP, np.float32)
    said[7] = bad
    assert np.isfinite(list(stream.add(said))).all()


def test_a_step_without_a_finite_result_begins_the_stream_anew() -> None:
    class Broken(Turn1Mini):
        def __init__(self) -> None:
            self.broken = True

        def start(self) -> dict[str, np.ndarray]:
            return {"state_h6": np.zeros(1, np.float32)}

        def step(self, samples, state):  # type: ignore[no-untyped-def]
            value = np.nan if self.broken else 0.25 + state["state_h6"][0]
            return np.full(8, value, np.float32), {"state_h6": state["state_h6"] + value}

    made = Broken()
    stream = Stream(made)
    assert list(stream.add(np.zeros(STEP, np.float32))) == [0.0]
    list(stream.add(np.zeros(FRAME, np.float32)))
    assert stream.now() == 0.0
    made.broken = False
    assert list(stream.add(np.zeros(2 * STEP - FRAME, np.float32))) == [0.25, 0.5]


def test_a_pull_of_the_hub_makes_it_available(hub: Hub) -> None:
    hub.put(HUB, {FILES[0]: model(), FILES[1]: b"larger", "README.md": b"a card"})
    assert turn1mini.problem() == f"turn-1-mini is not here: vflow models pull {HUB} --file '*.int8dyn.onnx'"
    hub_download.pull(HUB, lambda *_: None, "main", ["*.int8dyn.onnx"])
    assert turn1mini.problem() == ""
    assert list(Stream(turn1mini.load()).add(np.zeros(STEP, np.float32))) == [0.5]


def test_the_float_graph_alone_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    pulled(tmp_path, name=FILES[1])
    assert turn1mini.problem() == ""
    assert isinstance(turn1mini.load(), Turn1Mini)


def test_what_is_missing_is_named_with_what_mends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match=f"vflow models pull {HUB} --file"):
        turn1mini.load()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vflow-voice[speech]'" in turn1mini.problem()


@pytest.mark.parametrize("graph", [b"", b"no graph at all", model()[:200]])
def test_a_damaged_file_is_named_with_the_command_that_fetches_it_again(tmp_path: Path, graph: bytes) -> None:
    file = tmp_path / "step.onnx"
    file.write_bytes(graph)
    with pytest.raises(Unavailable, match=r"step\.onnx cannot be loaded.*vflow models pull"):
        Turn1Mini(file)


def test_a_graph_of_another_step_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "step.onnx"
    file.write_bytes(model(step=STEP // 2))
    with pytest.raises(Unavailable, match=r"no graph of turn-1-mini: it takes \[1, 1280\] samples"):
        Turn1Mini(file)
