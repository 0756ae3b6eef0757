from __future__ import annotations

import numpy as np
import pytest

from tests.scripted_agent import utterance
from vflow.bench.battery.noises import COUGH_DB, level, noises, television


def test_noises_are_the_same_for_the_same_seed_and_have_their_peaks() -> None:
    first, again, other = noises(1), noises(1), noises(2)
    assert set(first) == {"cough", "knocks", "keys"}
    for name, samples in first.items():
        assert samples.dtype == np.float32
        assert np.array_equal(samples, again[name])
        assert not np.array_equal(samples, other[name])
    assert np.abs(first["cough"]).max() == pytest.approx(10 ** (COUGH_DB / 20), rel=0.01)


def test_a_television_is_as_far_below_the_user_as_asked() -> None:
    user, voice = utterance("user", ms=600), utterance("voice", ms=2000)
    made = television(voice, user, 16)
    ratio = level(made) / level(user.samples, user.on_ns, user.off_ns)
    assert 20 * np.log10(ratio) == pytest.approx(-16, abs=0.1)
    assert len(made) == pytest.approx(len(voice.samples) / 0.84, rel=0.01)  # slower
