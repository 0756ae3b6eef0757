"""The user of a scene: decides, frame by frame, what the microphone hears."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vflow.bench.battery.scene import Expected, Scene, Sounded
from vflow.bench.speech import RATE
from vflow.packet import MS, SECOND, Samples
from vflow.report.turn import TurnRecord
from vflow.report.turn_log import TurnLog

QUIET_NS = 700 * MS
"""Silence before the first sound."""
LISTEN_NS = 3 * SECOND
"""For how long the reply is listened to after a sound that must not end it."""
ANSWER_NS = SECOND
"""How much of the answer to the last turn is listened to."""
PATIENCE_NS = 15 * SECOND
"""Longest wait for an answer."""


class SceneScript:
    """Plays a scene's sounds, mixed where several sound at once, by the state of the reply in the turn log.

    `over` is called in the microphone's thread, to which `frame` belongs, at the end of the scene. Read
    `sounded` after the pipeline has ended; sounds are missing in it if the reply they belong to did not come,
    or ended too early.
    """

    def __init__(self, scene: Scene, log: TurnLog, over: Callable[[], None]) -> None:
        self.sounded: list[Sounded] = []
        self.over = over
        self._scene, self._log = scene, log
        self._waiting = [sound for sound in scene.sounds if sound.into_reply]
        self._begun = False

    def frame(self, at_ns: int, count: int) -> Samples | None:
        """Return the `(count,) float32` samples from `at_ns` on; None when the scene is over."""
        if not self._begun:
            self._begun = True
            from_start = (sound for sound in self._scene.sounds if not sound.into_reply)
            self.sounded += [Sounded(sound, at_ns + QUIET_NS + sound.after_ns) for sound in from_start]
        turns = self._log.snapshot()
        if self._waiting and not self._speak_into(turns, at_ns + count * SECOND // RATE, at_ns):
            return None
        if not self._waiting and self._settled(turns, at_ns):
            return None
        heard = np.zeros(count, np.float32)
        for sounded in self.sounded:
            _mix(heard, sounded, at_ns)
        return heard

    def _speak_into(self, turns: list[TurnRecord], until_ns: int, at_ns: int) -> bool:
        """Begin the sounds whose time in the reply comes before `until_ns`. Return False to give up."""
        reply = next((turn for turn in reversed(turns) if "audible" in turn.at_ns), None)
        if reply is None:
            return at_ns < max(s.off_ns for s in self.sounded) + PATIENCE_NS
        audible_ns = reply.at_ns["audible"]
        due = [sound for sound in self._waiting if audible_ns + sound.after_ns < until_ns]
        if reply.ended:
            return False
        for sound in due:
            self._waiting.remove(sound)
            self.sounded.append(Sounded(sound, max(at_ns, audible_ns + sound.after_ns)))
        return True

    def _settled(self, turns: list[TurnRecord], at_ns: int) -> bool:
        """Return whether nothing more is to be heard."""
        off_ns = max(sounded.off_ns for sounded in self.sounded)
        if self._scene.expected is Expected.GO_ON:
            return at_ns >= off_ns + LISTEN_NS
        answered = any(_is_heard(turn, off_ns, at_ns) for turn in turns)
        return answered or at_ns >= off_ns + PATIENCE_NS


def _is_heard(turn: TurnRecord, off_ns: int, at_ns: int) -> bool:
    """Return whether a turn that was decided after `off_ns` is over, or has been answered for a while."""
    if turn.at_ns.get("decided", 0) < off_ns:
        return False
    return turn.ended or at_ns >= turn.at_ns.get("audible", at_ns) + ANSWER_NS


def _mix(heard: Samples, sounded: Sounded, at_ns: int) -> None:
    """Add the part of a sound that falls into the frame from `at_ns` on."""
    samples = sounded.sound.clip.samples
    first = round((at_ns - sounded.at_ns) * RATE / SECOND)
    lead = max(0, -first)
    part = samples[max(0, first) : first + len(heard)] if first + len(heard) > 0 else samples[:0]
    if lead < len(heard):
        heard[lead : lead + len(part)] += part[: len(heard) - lead]
