"""The items that come out of a node which a harness drives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.stand_ins import word
from vflow import AnyCaps, Audio, AudioPacket, Caps, Eos, VflowError
from vflow.runtime.emitted import Emitted

TONE = AudioPacket(data=np.zeros(80, np.float32), rate=8_000)


def test_items_are_taken_in_order_or_of_one_output() -> None:
    emitted = Emitted(["left", "right"], lambda port: AnyCaps())
    left, right = emitted.entry("left"), emitted.entry("right")
    left(word(0))
    right(word(1))
    left(word(2))
    assert emitted.pull("right") == [word(1)]
    assert emitted.pull() == [word(0), word(1), word(2)]
    assert (emitted.pull(), emitted.pull("left")) == ([], [])


def test_an_event_that_leaves_by_all_outputs_is_one_in_the_order() -> None:
    emitted = Emitted(["left", "right"], lambda port: AnyCaps())
    end = Eos()
    emitted.entry("left")(end)
    emitted.entry("right")(end)
    assert emitted.order == [end]
    assert emitted.pull("right") == [end]


def test_audio_is_compared_with_caps_read_at_the_first_item() -> None:
    known: dict[str, Caps] = {}
    entry = Emitted(["out"], known.__getitem__).entry("out")
    known["out"] = Audio(rate=16_000, channels=1)
    with pytest.raises(VflowError, match="but its output carries"):
        entry(TONE)
    entry(TONE.replace(rate=16_000))
