"""A microphone whose user follows a scenario: waits for the reply, or speaks into it."""

from __future__ import annotations

import random
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
"""Between the end of a reply and the next question."""
INTO_NS = (600 * MS, 1600 * MS)
"""From when the reply is audible to an interruption: at random, between these."""
HEARD_NS = 12 * SECOND
"""How long a reply that was generated to its end is listened to; then the next question falls into it."""
PATIENCE_NS = 60 * SECOND
"""A reply that shows no sign of life for longer is given up."""
GIVEN_UP = 2
"""Replies in a row that never came, after which the scenario ends: the rest would be the same."""

SAVE_S = 0.5
"""The most that was heard and is not in the recording yet, should the process end there."""

Told = Callable[[int, int, str], None]
"""Takes the number of the turn, of how many, and what is going on; must be quick."""


@dataclass(slots=True)
class SpokenStep:
    """A step that was spoken, from `at_ns` of pipeline time on. `settled`: its reply is over, or given up."""

    step: ScenarioStep
    at_ns: int
    settled: bool = False

    @property
    def on_ns(self) -> int:
        """Its first sound."""
        return self.at_ns + self.step.clip.on_ns

    @property
    def off_ns(self) -> int:
        """The end of its last sound."""
        return self.at_ns + self.step.clip.off_ns


class Script:
    """Decides frame by frame what the microphone hears, by what the turn log says of the reply.

    `told` and, at the end of the scenario, `over` are called in the microphone's thread, to which `frame`
    belongs; `utterances` may be read when the pipeline has ended.
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
        """Utterances in a row whose reply was waited for in vain."""
        self._steps, self._log, self._told = steps, log, told
        self._random = random.Random(seed)
        self._unsaid = np.zeros(0, np.float32)  # what is left of the utterance
        self._quiet_until_ns = QUIET_NS
        self._into_ns = 0
        self._sign: object = None
        self._signed_ns = 0

    def frame(self, at_ns: int, count: int) -> Samples | None:
        """The `(count,) float32` samples from `at_ns` on; None when the scenario is over."""
        if not len(self._unsaid) and not self._look(at_ns):
            return None
        heard = np.zeros(count, np.float32)
        part = self._unsaid[:count]
        heard[: len(part)] = part
        self._unsaid = self._unsaid[len(part) :]
        return heard

    def _look(self, at_ns: int) -> bool:
        """Listen, or begin the next step; False where there is none."""
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
        """How much quiet is to follow now that the reply is over, or is to be interrupted; None: wait on."""
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
    """The role `mic`, with a script in place of a device; the file `keep` has what it sent.

    Sample n of that file is pipeline time n / RATE. It is overwritten when the pipeline plays, and readable
    from then on.
    """

    script: Script
    """Set in a class of the run's own (`microphone`): it is no property of a graph file."""

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
        self._wav.writeframes(pcm.tobytes())  # brings the length in the header up to date


def microphone() -> type[ScriptedMicrophone]:
    """A class of its own for one run, whose script is then set."""
    return type("ScriptedMicrophone", (ScriptedMicrophone,), {"__doc__": ScriptedMicrophone.__doc__})
