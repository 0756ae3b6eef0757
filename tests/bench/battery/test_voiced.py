"""The scenes that come with vflow; their speech is synthesised once for all tests."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scripted_agent import utterance
from vflow.bench.battery.scene import KINDS, Expected, Scene
from vflow.bench.battery.voiced import PLACES_NS, scenes, with_pauses
from vflow.bench.speech import RATE
from vflow.packet import MS


@pytest.fixture(scope="module")
def spoken() -> list[Scene]:
    return scenes()


def test_every_kind_has_scenes_of_names_of_their_own(spoken: list[Scene]) -> None:
    assert {scene.kind for scene in spoken} == set(KINDS)
    names = [scene.name for scene in spoken]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() for name in names)


def test_interruptions_come_at_three_places_of_a_reply(spoken: list[Scene]) -> None:
    over = [scene.sounds[-1] for scene in spoken if scene.expected is Expected.STOP]
    onsets = {sound.after_ns + sound.clip.on_ns for sound in over}
    assert onsets == set(PLACES_NS)
    assert all(sound.asks for sound in over)


def test_what_must_not_end_a_reply_asks_nothing(spoken: list[Scene]) -> None:
    for scene in spoken:
        if scene.expected is Expected.GO_ON:
            assert sum(not sound.asks for sound in scene.sounds) == 1


def test_pauses_are_silences_of_their_length_between_sounds() -> None:
    made = with_pauses([utterance(ms=300), 700 * MS, utterance(ms=300)])
    assert len(made.samples) == (300 + 700 + 300) * RATE // 1000
    silent = np.flatnonzero(made.samples == 0)
    assert len(silent) == pytest.approx(700 * RATE // 1000, abs=5)
