from __future__ import annotations

from tests.scripted_agent import utterance
from vflow.bench.battery.scene import KINDS, Expected, Scene, Sound, Sounded
from vflow.packet import MS


def test_a_kind_says_what_is_expected_of_the_agent() -> None:
    assert Scene("a", "backchannel", ()).expected is Expected.GO_ON
    assert set(KINDS.values()) == set(Expected)


def test_a_sound_that_was_played_knows_its_first_and_last_sound() -> None:
    sounded = Sounded(Sound(utterance(ms=600)), 1000 * MS)
    assert (sounded.on_ns, sounded.off_ns) == (1050 * MS, 1650 * MS)
