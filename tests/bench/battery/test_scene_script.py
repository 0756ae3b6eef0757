"""The user of a scene, driven frame by frame without a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from tests.bench.battery.made import ASKED, into_reply, scene, turn
from tests.scripted_agent import utterance
from vflow.bench.battery.scene import Scene, Sound
from vflow.bench.battery.scene_script import ANSWER_NS, LISTEN_NS, PATIENCE_NS, QUIET_NS, SceneScript
from vflow.bench.speech import RATE
from vflow.packet import MS, SECOND
from vflow.report.turn import TurnRecord

COUNT = 512
FRAME_NS = COUNT * SECOND // RATE


@dataclass
class Turns:
    """Stands in for the turn log: the turns so far, each from its `decided` on."""

    turns: list[TurnRecord] = field(default_factory=list)

    def snapshot(self) -> list[TurnRecord]:
        return [turn.copy() for turn in self.turns]


def heard(of: Scene, *turns: TurnRecord, longest_s: float = 60) -> tuple[SceneScript, np.ndarray]:
    """Play a scene in which these turns come at their times; each has at a moment only what came before."""
    log = Turns()
    script = SceneScript(of, cast(Any, log), lambda: None)
    frames, at_ns = [], 0
    while at_ns < longest_s * SECOND:
        log.turns = [
            TurnRecord(t.number, at_ns={name: ns for name, ns in t.at_ns.items() if ns <= at_ns})
            for t in turns
            if min(t.at_ns.values()) <= at_ns
        ]
        frame = script.frame(at_ns, COUNT)
        if frame is None:
            break
        assert len(frame) == COUNT
        frames.append(frame)
        at_ns += FRAME_NS
    return script, np.concatenate(frames)


def test_a_sound_lies_in_the_audio_to_the_sample() -> None:
    script, audio = heard(scene("pause"))
    (sounded,) = script.sounded
    first = sounded.at_ns * RATE // SECOND
    clip = sounded.sound.clip.samples
    assert sounded.at_ns == QUIET_NS
    assert np.array_equal(audio[first : first + len(clip)], clip)
    assert not audio[:first].any()
    assert not audio[first + len(clip) :].any()


def test_a_turn_that_nobody_answers_is_given_up() -> None:
    script, audio = heard(scene("pause"))
    end_ns = len(audio) * SECOND // RATE
    assert end_ns == pytest.approx(script.sounded[0].off_ns + PATIENCE_NS, abs=FRAME_NS)


def test_an_answer_is_heard_for_a_while() -> None:
    answered = turn(1, decided=1700, audible=2000)
    _, audio = heard(scene("pause"), answered)
    assert len(audio) * SECOND // RATE == pytest.approx(2000 * MS + ANSWER_NS, abs=FRAME_NS)


def test_a_reply_to_half_of_a_turn_does_not_end_the_scene() -> None:
    half = turn(1, decided=1000, audible=1100)
    _, audio = heard(scene("pause"), half)
    assert len(audio) / RATE > 15


def test_a_sound_comes_at_its_time_in_the_reply_and_is_listened_to() -> None:
    over = scene("backchannel", ASKED, into_reply(1000))
    script, audio = heard(over, turn(1, decided=1500, audible=2000))
    assert script.sounded[1].at_ns == 3000 * MS
    end_ns = len(audio) * SECOND // RATE
    assert end_ns == pytest.approx(script.sounded[1].off_ns + LISTEN_NS, abs=FRAME_NS)


def test_a_reply_that_ends_too_early_ends_the_scene_without_the_sound() -> None:
    over = scene("backchannel", ASKED, into_reply(1000))
    script, audio = heard(over, turn(1, decided=1500, audible=2000, reply_end=2500))
    assert len(script.sounded) == 1
    assert len(audio) / RATE < 3


def test_a_reply_that_does_not_come_is_given_up() -> None:
    script, audio = heard(scene("interruption", ASKED, into_reply(asks=True)))
    assert len(script.sounded) == 1
    assert len(audio) / RATE == pytest.approx(1.35 + 15, abs=0.1)


def test_sounds_at_one_time_are_mixed() -> None:
    hum = utterance(ms=600)
    _, audio = heard(Scene("b", "background", (Sound(hum), Sound(hum, asks=True))))
    first = QUIET_NS * RATE // SECOND
    assert np.array_equal(audio[first : first + len(hum.samples)], 2 * hum.samples)
