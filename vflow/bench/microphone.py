"""A microphone whose user follows a scenario: waits for the reply, or speaks into it."""

from __future__ import annotations

import random
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vflow.bench.scenario import ScenarioStep
from vflow.bench.speech import RATE
from vflow.caps import Audio
from vflow.node import Node
from vflow.packet import MS, SECOND, AudioPacket, Samples
from vflow.ports import Out
from vflow.props import Duration, prop
from vflow.report.turn import TurnRecord
from vflow.report.turn_log import TurnLog

QUIET_NS = 700 * MS
"""Silence between the end of a reply and the next question."""
INTO_NS = (600 * MS, 1600 * MS)
"""Time from when a reply is audible to an interruption: random, between these two."""
HEARD_NS = 12 * SECOND
"""Longest time to listen to a reply that is generated to its end; then the next question interrupts it."""
PATIENCE_NS = 60 * SECOND
"""Longest wait for a reply that shows no sign of life; then it is given up."""
GIVEN_UP = 2
"""How many replies in a row may fail to come before the scenario ends: the rest would be the same."""

SAVE_S = 0.5
"""Most seconds of heard audio that are not in the recording yet, and lost if the process ends."""


class UserScript(Protocol):
    """Says what a scripted microphone hears; both are called in its thread."""

    over: Callable[[], None]
    """Called at the end."""

    def frame(self, at_ns: int, count: int) -> Samples | None:
        """Return the `(count,) float32` samples from `at_ns` on; None at the end."""


Told = Callable[[int, int, str], None]
"""Takes the number of the turn, the number of turns, and what is going on; must be quick."""


@dataclass(slots=True)
class SpokenStep:
    """A step that was spoken from `at_ns` of pipeline time. `settled`: its reply is over, or given up."""

    step: ScenarioStep
    at_ns: int
    settled: bool = False

    @property
    def on_ns(self) -> int:
        """Pipeline time of its first sound."""
        return self.at_ns + self.step.clip.on_ns

    @property
    def off_ns(self) -> int:
        """Pipeline time at the end of its last sound."""
        return self.at_ns + self.step.clip.off_ns


class Script:
    """Decides, frame by frame, what the microphone hears, by the state of the reply in the turn log.

    `told` and, at the end of the scenario, `over` are called in the microphone's thread; `frame` belongs to
    that thread. `utterances` may be read after the pipeline has ended.
    """

    def __init__(
        self,
        steps: Sequence[ScenarioStep],
        log: TurnLog,
        told: Told,
        over: Callable[[], None],
        seed: int = 1,
    ) -> None:
        self.utterances: list[SpokenStep] = []
        self.over = over
        self.given_up = 0
        """How many utterances in a row were waited on in vain."""
        self._steps, self._log, self._told = steps, log, told
        self._random = random.Random(seed)
        self._unsaid = np.zeros(0, np.float32)  # the rest of the utterance
        self._quiet_until_ns = QUIET_NS
        self._into_ns = 0
        self._sign: object = None
        self._signed_ns = 0

    def frame(self, at_ns: int, count: int) -> Samples | None:
        """Return the `(count,) float32` samples from `at_ns` on; None when the scenario is over."""
        if not len(self._unsaid) and not self._look(at_ns):
            return None
        heard = np.zeros(count, np.float32)
        part = self._unsaid[:count]
        heard[: len(part)] = part
        self._unsaid = self._unsaid[len(part) :]
        return heard

    def _look(self, at_ns: int) -> bool:
        """Listen, or begin the next step. Return False if there is none."""
        last = self.utterances[-1] if self.utterances else None
        if last is not None and not last.settled:
            quiet_ns = self._listen(last, at_ns)
            if quiet_ns is None:
                return True
            last.settled, self._quiet_until_ns = True, at_ns + quiet_ns
        if len(self.utterances) == len(self._steps) or self.given_up == GIVEN_UP:
            return False
        if at_ns >= self._quiet_until_ns:
            self._begin(at_ns)
        return True

    def _begin(self, at_ns: int) -> None:
        step = self._steps[len(self.utterances)]
        self.utterances.append(SpokenStep(step, at_ns))
        self._unsaid = step.clip.samples
        self._into_ns = self._random.randrange(*INTO_NS)
        self._sign, self._signed_ns = None, at_ns + step.clip.off_ns
        how = "interrupting: " if step.interrupts else ""
        self._told(len(self.utterances), len(self._steps), f"{how}{step.clip.said}")

    def _listen(self, last: SpokenStep, at_ns: int) -> int | None:
        """Return how much silence follows, if the reply is over or is to be interrupted; None to wait on."""
        newest = self._log.newest()
        turn = newest if newest and newest.at_ns.get("decided", 0) >= last.off_ns else None
        sign = turn and (len(turn.words), turn.tokens, len(turn.at_ns))
        if sign != self._sign:
            self._sign, self._signed_ns = sign, at_ns
        if turn is not None and (turn.ended or self._falls_into(turn, at_ns)):
            self.given_up = 0
            return QUIET_NS if turn.ended else 0
        if at_ns - self._signed_ns >= PATIENCE_NS:
            self.given_up += 1
            return QUIET_NS
        return None

    def _falls_into(self, turn: TurnRecord, at_ns: int) -> bool:
        audible_ns = turn.at_ns.get("audible")
        if audible_ns is None:
            return False
        following = self._steps[len(self.utterances) :][:1]
        if following and following[0].interrupts:
            return at_ns - audible_ns >= self._into_ns
        return turn.stop_reason is not None and at_ns - audible_ns >= HEARD_NS


class ScriptedMicrophone(Node):
    """Plays the role `mic` by a script in the place of a device, and writes what it sent to the file `keep`.

    Sample n of that file is at pipeline time n / RATE. The file is overwritten when the pipeline plays, and
    can be read from then on.
    """

    script: UserScript
    """Set on a class made for the run (`microphone`), since it is no property of a graph file."""

    keep: str = prop(file="writes", doc="path of the recording")
    frame: Duration = prop("32ms", ge="1ms", le="1s", doc="length of a packet", latency="path")
    audio = Out(Audio(rate=RATE, channels=1))

    _recording: Recording | None = None

    def paced(self) -> bool:
        return True

    def close(self) -> None:
        if self._recording is not None:
            self._recording.close()

    def produce(self) -> Iterator[AudioPacket]:
        start_ns = self.ctx.now_ns()
        recording = self._recording = Recording(self.keep, start_ns * RATE // SECOND)
        size, at = max(1, self.frame * RATE // SECOND), 0
        while True:
            pts_ns = start_ns + at * SECOND // RATE
            data = self.script.frame(pts_ns, size)
            if data is None:
                self.script.over()
                return
            self.ctx.wait_until(pts_ns + size * SECOND // RATE)
            recording.add(data)
            yield AudioPacket(data=data[:, None], rate=RATE, pts_ns=pts_ns)
            at += size


class Recording:
    """A wav file at RATE, mono and 16 bit, that begins with `lead` silent samples. One thread at a time."""

    def __init__(self, file: str, lead: int) -> None:
        self._wav = wave.open(file, "wb")  # noqa: SIM115 - closed with this
        self._wav.setparams((1, 2, RATE, 0, "NONE", ""))
        self._unsaved = [np.zeros(lead, np.float32)]
        self._save()

    def add(self, samples: Samples) -> None:
        """Append `(n,) float32` samples, full scale at 1.0. Raises: OSError."""
        self._unsaved.append(samples)
        if sum(map(len, self._unsaved)) >= SAVE_S * RATE:
            self._save()

    def close(self) -> None:
        """Write the rest; may be called twice."""
        if self._unsaved:
            self._save()
        self._wav.close()

    def _save(self) -> None:
        samples = np.concatenate(self._unsaved)
        self._unsaved = []
        pcm = np.clip(np.floor(samples * 32768), -32768, 32767).astype("<i2")
        self._wav.writeframes(pcm.tobytes())  # also brings the header's length up to date


def microphone() -> type[ScriptedMicrophone]:
    """Return a new class for one run; set its `script`."""
    return type("ScriptedMicrophone", (ScriptedMicrophone,), {"__doc__": ScriptedMicrophone.__doc__})
