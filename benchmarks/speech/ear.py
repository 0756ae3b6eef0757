"""Find the events of a scene in the loudspeaker's recording, and in a system's own report of its run.

Both recordings begin at time 0 of the run. Definitions: `docs/measurements.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from vflow import MS, SECOND, Samples
from vflow.report.recordings import audible_ns

from .scenes import RATE, Scene, Utterance

LATE_NS = 2 * SECOND
"""An utterance whose end is seen later than this is a miss."""
OVER_NS = 300 * MS
"""A reply that has been silent for this long when the interruption comes was over, or nobody heard it."""
COUNTS = (
    "utterances", "false_cuts", "misses", "unanswered", "false_turns", "false_barge_ins", "interruptions",
    "ignored",
)  # fmt: skip
"""Names of a scene's counts; `ignored` are interruptions that did not silence the reply."""


Transcribe = Callable[[Samples], str]
"""Returns the text of `(n,) float32` at RATE."""


@dataclass(slots=True)
class Record:
    """A system's own account of its run, moments in ns: when utterances began and ended, when replies were
    flushed, and for each reply `decided_ns`, `first_word_ns`, `text`, `heard` and a report of speculation."""

    starts: list[int]
    ends: list[int]
    flushes: list[int]
    replies: list[dict[str, Any]]
    cpu_s: float
    wall_s: float
    version: str = ""

    def reply_to(self, decided_ns: int) -> dict[str, Any]:
        return next((reply for reply in self.replies if reply["decided_ns"] == decided_ns), {})


@dataclass(slots=True)
class Found:
    """The findings of a scene, latencies in ms."""

    latencies: dict[str, list[float]] = field(default_factory=dict)
    turns: list[dict[str, Any]] = field(default_factory=list)
    utterances: int = 0
    false_cuts: int = 0
    misses: int = 0
    unanswered: int = 0
    false_turns: int = 0
    false_barge_ins: int = 0
    interruptions: int = 0
    ignored: int = 0
    sounding_s: float = 0.0
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def take(self, name: str, ns: int) -> None:
        self.latencies.setdefault(name, []).append(ns / MS)

    def add(self, other: Found) -> None:
        """Add the findings of another run."""
        for name, values in other.latencies.items():
            self.latencies.setdefault(name, []).extend(values)
        self.turns += other.turns
        for name in (*COUNTS, "sounding_s", "cpu_s", "wall_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Ear:
    """Finds the events of a scene in the recording of the loudspeaker and the system's record."""

    def __init__(
        self, scene: Scene, recording: Path, record: Record, transcribe: Transcribe | None = None
    ) -> None:
        self.scene, self.record, self.transcribe = scene, record, transcribe
        samples, self.rate = soundfile.read(recording, dtype="float32", always_2d=True)
        self.samples: Samples = samples.mean(axis=1)

    def stretch(self, start_ns: int, end_ns: int) -> Samples:
        part: Samples = self.samples[start_ns * self.rate // SECOND : end_ns * self.rate // SECOND]
        return part

    def sounds(self, start_ns: int, end_ns: int) -> tuple[int, int] | None:
        """Return the first and the last audible moment of the loudspeaker between two moments."""
        span = audible_ns(self.stretch(start_ns, end_ns), self.rate)
        return None if span is None else (start_ns + span[0], start_ns + span[1])

    def find(self, interrupting: bool) -> Found:
        """Return all findings. `interrupting`: each utterance falls into the reply to the one before."""
        found = Found(cpu_s=self.record.cpu_s, wall_s=self.record.wall_s)
        utterances = self.scene.utterances
        ends = [self._end_of(utterance) for utterance in utterances]
        for number, utterance in enumerate(utterances):
            found.utterances += 1
            found.false_cuts += sum(utterance.on_ns <= end < utterance.off_ns for end in self.record.ends)
            decided = ends[number]
            if decided is None:
                found.misses += 1
                continue
            follower = utterances[number + 1] if number + 1 < len(utterances) else None
            limit = self.scene.ns if follower is None else follower.on_ns
            if interrupting and follower is not None:
                limit = ends[number + 1] or follower.off_ns
            self._reply(found, utterance, decided, limit, follower if interrupting else None)
        found.false_barge_ins = self._outside(self.record.flushes, SECOND // 2)
        found.false_turns = self._outside(self.record.ends, LATE_NS)
        return found

    def _end_of(self, utterance: Utterance) -> int | None:
        ends = self.record.ends
        return next((end for end in ends if 0 <= end - utterance.off_ns < LATE_NS), None)

    def _reply(
        self, found: Found, said: Utterance, decided: int, limit: int, interrupter: Utterance | None
    ) -> None:
        """Find the reply to an utterance, if one sounds between `decided` and `limit`."""
        found.take("endpoint", decided - said.off_ns)
        reply, sounds = self.record.reply_to(decided), self.sounds(decided, limit)
        turn = {"said": said.name, "speculation": reply.get("speculation", {})}
        found.turns.append(turn)
        if sounds is None:
            found.unanswered += 1
            return
        audible, last = sounds
        found.sounding_s += (last - audible) / SECOND
        found.take("v2v", audible - said.off_ns)
        found.take("compute", audible - decided)
        turn["compute_ms"] = round((audible - decided) / MS, 1)
        if (word := reply.get("first_word_ns")) is not None:
            found.take("first_word", word - decided)
            found.take("word_to_audio", audible - word)
        before = found.interruptions
        if interrupter is not None:
            self._interruption(found, interrupter, audible, last)
        if self.transcribe is not None and reply.get("text"):
            stretch = soxr.resample(self.stretch(audible - 50 * MS, last + 50 * MS), self.rate, RATE)
            transcript = self.transcribe(np.asarray(stretch, np.float32))
            turn |= {"reply": reply["text"], "heard": reply["heard"], "transcript": transcript}
            name = "cut_error" if found.interruptions > before else "heard_error"
            turn[name] = heard_error(reply["heard"], reply["text"], transcript)

    def _interruption(self, found: Found, voice: Utterance, audible: int, last: int) -> None:
        """Note the effect of an interrupting voice on a reply."""
        if not audible < voice.on_ns < last:
            return  # the reply had not begun, or was over
        flush = next((at for at in self.record.flushes if voice.on_ns <= at < voice.off_ns + LATE_NS), None)
        if flush is None:
            found.ignored += 1
        elif last > flush - OVER_NS:
            found.interruptions += 1
            found.take("detect", flush - voice.on_ns)
            found.take("stop", max(0, last - flush))
            found.take("talk_over", last - voice.on_ns)

    def _outside(self, moments: Sequence[int], late_ns: int) -> int:
        """Count the moments outside of all utterances, and later than `late_ns` after each."""
        spoken = [(u.on_ns, u.off_ns + late_ns) for u in self.scene.utterances]
        return sum(not any(on <= at <= off for on, off in spoken) for at in moments)


def heard_error(heard: str, reply: str, transcript: str) -> int:
    """Return by how many words `heard` ends at another place of the reply than the transcript of its audio.

    The transcript's place is the one up to which the reply resembles it most, so that words misspelled by the
    transcriber do not count as errors of `heard`.
    """
    said, wanted = _words(transcript), _words(reply)
    prefixes = [" ".join(wanted[:count]) for count in range(len(wanted) + 1)]
    scores = [SequenceMatcher(None, prefix, " ".join(said)).ratio() for prefix in prefixes]
    reached = int(np.argmax(scores)) if said else 0
    return abs(reached - len(_words(heard)))


def _words(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("-", " ")).split()
