"""smart-turn: the features that it was trained on, and what it says of speech that stops in the middle."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest

from vflow import Samples, Unavailable, models
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.smart_turn import RATE, SECONDS, features

RANDOM = np.random.default_rng(7)


def tone(seconds: float) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    made: Samples = (0.3 * np.sin(2 * np.pi * (200 + 300 * time) * time)).astype(np.float32)
    return made


@pytest.fixture(scope="module")
def reference() -> Callable[[Samples], Samples]:
    """Return the features of transformers."""
    transformers = pytest.importorskip("transformers")
    extract = transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=SECONDS)

    def made(samples: Samples) -> Samples:
        padded = np.pad(samples[-SECONDS * RATE :], (max(0, SECONDS * RATE - len(samples)), 0))
        found = extract(padded, sampling_rate=RATE, do_normalize=True, return_tensors="np")
        values: Samples = found.input_features[0]
        return values

    return made


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(SECONDS * RATE, np.float32),
        tone(1.5),
        tone(11),
        RANDOM.normal(0, 0.1, 3 * RATE).astype(np.float32),
        RANDOM.normal(0.2, 1e-4, RATE // 3).astype(np.float32),
    ],
    ids=["nothing", "silence", "short", "longer than is heard", "noise", "soft with an offset"],
)
def test_features_are_those_that_the_model_was_trained_on(
    samples: Samples, reference: Callable[[Samples], Samples]
) -> None:
    found = features(samples)
    assert (found.shape, found.dtype) == ((80, 800), np.float32)
    np.testing.assert_allclose(found, reference(samples), atol=1e-4)


def test_features_leave_what_was_said_as_it_is() -> None:
    samples = tone(1)
    before = samples.copy()
    features(samples)
    np.testing.assert_array_equal(samples, before)


def test_finished_sentence_is_rated_above_a_broken_off_one() -> None:
    hibari = pytest.importorskip("hibari")
    soxr = pytest.importorskip("soxr")
    voice, model = hibari.Hibari(), smart_turn.load()
    said = soxr.resample(
        np.asarray(voice("I would like to book a table for two people."), np.float32), 24_000, RATE
    )
    said = said[: np.flatnonzero(np.abs(said) > 0.01)[-1]]

    def rating(share: float) -> float:
        heard = said[: round(len(said) * share)]
        return model.finished(np.concatenate([heard, np.zeros(RATE // 5, np.float32)]))

    broken_off = [rating(share) for share in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)]
    assert rating(1.0) > max(0.5, *broken_off)


def test_a_missing_part_is_named_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "is_present", lambda name: False)
    monkeypatch.setattr("vflow.models.catalogue.is_present", lambda name: False)
    assert smart_turn.problem() == "model smart-turn is not here: vflow models pull smart-turn"
    with pytest.raises(Unavailable, match="vflow models pull smart-turn"):
        smart_turn.load()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vflow-voice[speech]'" in smart_turn.problem()
