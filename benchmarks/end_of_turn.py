"""Fit the weights of `vflow_nodes/lib/turn_text.py` to pauses of human turns, and show what they gain.

    python benchmarks/end_of_turn.py FOLDER [--smart-turn FILE.onnx] [--looks FILE.json] [--ridge 3] [--json]

FOLDER is that of `turns.py`; its manifest also has the columns source and path, which name the recording of a
clip. The nodes are vflow's own, in the time of the clip: Silero and `turn` find the pauses; at each pause
smart-turn looks at the utterance, and `stt.moonshine` transcribes it. A verdict is delayed by the time that
both take on two quiet cores, one after the other, however fast this machine is: 55 ms, plus 30 ms and 15 more
for each second of the utterance. `--looks` keeps their results in a file, since they take minutes.

A logistic regression, with standardised values and weights pulled to 0 by `--ridge`, is fitted to all pauses.
Each figure comes from regressions that have not seen the recording that they judge. AUC: the share of pairs
of an end and an inner pause that are in the right order; its interval, of 1,000 resamplings by recording, at
95 %. A policy is a table, `probability:wait in ms`, like `waits` of `turn`; until there is a verdict the wait
is 480 ms. Cuts, delays and their intervals are counted as in `turns.py`.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from turns import KINDS, RATE, Clip, Row, clips_of, judged, rated, sound

from vflow import MS, SECOND, Harness, Packet, Pause, Samples, SpeechEnd, SpeechStart, TextPacket
from vflow import AudioPacket as Block
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.smart_turn import SmartTurn
from vflow_nodes.lib.turn_text import cues, finished, log_odds
from vflow_nodes.lib.verdicts import PATIENCE_NS, verdict
from vflow_nodes.stt.moonshine import MoonshineStt
from vflow_nodes.turn import Turn

PUNCTUATION = ("comma", "trails_off", "asks", "states")
SETS: Mapping[str, tuple[str, ...]] = {
    "AUDIO": ("sound",),
    "sound and length": ("sound", "seconds"),
    "punctuation": PUNCTUATION,
    "TEXT": (*PUNCTUATION, "open_word", "rate", "words"),
    "sound, punctuation": ("sound", *PUNCTUATION),
    "and rate": ("sound", *PUNCTUATION, "rate"),
    "AUDIO_AND_TEXT": ("sound", *PUNCTUATION, "open_word", "rate"),
    "and words": ("sound", *PUNCTUATION, "open_word", "rate", "words"),
}
"""The values of each regression; names in capitals are the sets that the nodes use."""
CANDIDATES = {"smart_turn": "AUDIO", "text": "TEXT", "fused": "AUDIO_AND_TEXT"}
PLAIN_MS = (480, 640, 800)
WAITS = (
    "0.6:320 0.4:480 0:1200",
    "0.6:250 0.4:480 0:1200",
    "0.5:250 0.25:480 0:1250",
    "0.5:300 0.35:800 0:1250",
    "0.6:300 0.4:640 0:1600",
)
SOUND_MS = 55.0
"""How long a look takes."""
UNJUDGED_MS = 480
"""The wait of a pause until its verdict has come: `speech_end_after`."""
PATIENT_MS = 2000
"""The wait with which the pauses for the fit are found: it cuts few turns."""


@dataclass(frozen=True, slots=True)
class Look:
    """The data about an utterance at a pause from which the pause is judged."""

    sound: float
    text: str
    seconds: float

    @property
    def text_ms(self) -> float:
        """Time that the transcript takes on two cores; see `stt.moonshine`."""
        return 30 + 15 * min(self.seconds, 15)

    def values(self) -> dict[str, float]:
        """The inputs of the regressions, by name."""
        own = {"sound": log_odds(self.sound), "seconds": math.log1p(self.seconds)}
        return {**cues(self.text, self.seconds), **own}


class Looks:
    """Makes looks, and keeps them, since all policies need nearly the same ones."""

    def __init__(self, model: SmartTurn, stt: Harness, file: Path | None) -> None:
        self._model, self._stt, self._file, self._turn = model, stt, file, 0
        kept = json.loads(file.read_text()) if file is not None and file.exists() else {}
        self._kept = {key: Look(**look) for key, look in kept.items()}

    def save(self) -> None:
        if self._file is not None:
            self._file.write_text(json.dumps({key: asdict(look) for key, look in self._kept.items()}))

    def at(self, clip: Clip, samples: Samples, start_ns: int, stop_ns: int) -> Look:
        key = f"{clip.file.name} {start_ns // MS} {stop_ns // MS}"
        if key not in self._kept:
            said = samples[start_ns * RATE // SECOND : stop_ns * RATE // SECOND]
            self._kept[key] = self._made(said)
        return self._kept[key]

    def _made(self, said: Samples) -> Look:
        self._turn += 1
        self._stt.speculative_turn = self._turn
        self._stt.event(SpeechStart(turn=self._turn))
        for at in range(0, len(said), 512):
            self._stt.push(Block(data=said[at : at + 512].copy(), rate=RATE, turn=self._turn))
        self._stt.pull()
        items = self._stt.event(Pause(turn=self._turn))
        (text,) = (item.text for item in items if isinstance(item, TextPacket))
        self._stt.pull()
        return Look(self._model.finished(said), text, len(said) / RATE)


@dataclass(frozen=True, slots=True)
class Case:
    """A pause: its recording, the data known at it, and whether it is the end of the turn."""

    recording: str
    look: Look
    end: bool


Verdicts = Sequence[tuple[float, float]]
"""For each verdict: how many ms after the pause it comes, and the probability that the turn is over."""
Judge = Callable[[Look], Verdicts]
LASTING_S = 0.3
"""Shorter silences within an utterance are not cases: they are over before any wait is."""
FADED_S = 0.3
"""A pause up to this long before the last sound may be the end: that sound may be too soft for a voice."""


def replay(
    windows: Sequence[Packet], judge: Callable[[int, int], Verdicts], wait_ms: int, waits: Mapping[float, str]
) -> tuple[list[float], bool, list[tuple[int, int]]]:
    """Run `turn` over a clip. Return the ends that it decides on, in s; whether it finds a turn; and for each
    pause from where to where its utterance goes, in ns."""
    ends: list[float] = []
    pauses: list[tuple[int, int]] = []
    due: list[tuple[int, TextPacket]] = []
    starts: list[int] = []
    with Harness(Turn(speech_end_after=f"{wait_ms}ms", waits=waits)) as harness:

        def take() -> None:
            for item in harness.pull():
                if isinstance(item, SpeechStart):
                    starts.append(item.pts_ns)
                elif isinstance(item, SpeechEnd):
                    ends.append(harness.time_ns / SECOND)
                elif isinstance(item, Pause):
                    pauses.append((starts[-1], item.pts_ns))
                    due[:] = [
                        (item.pts_ns + round(after_ms * MS), verdict(item, probability))
                        for after_ms, probability in judge(*pauses[-1])
                    ]

        for window in windows:
            end_ns = window.pts_ns + window.duration_ns
            while due and due[0][0] <= end_ns:
                harness.time_ns, packet = due.pop(0)
                harness.push(packet, "verdict")
                take()
            harness.time_ns = end_ns
            harness.push(window)
            take()
    return ends, bool(starts), pauses


def cases_of(clip: Clip, recording: str, pauses: Sequence[tuple[float, Look]]) -> list[Case]:
    """Return the pauses of a clip whose truth is known; of those after the end only the first."""
    found: list[Case] = []
    for at, look in pauses:
        lasts = [resumed - start for start, resumed in clip.inner if start <= at < resumed]
        inner = bool(lasts)
        if inner and lasts[0] < LASTING_S:
            continue
        if clip.end_s is not None and not inner and at >= clip.end_s - FADED_S:
            found.append(Case(recording, look, True))
            break
        if clip.end_s is not None or inner:
            found.append(Case(recording, look, False))
    return found


Matrix = NDArray[np.float64]


def fit(rows: Matrix, truth: Matrix, ridge: float) -> Matrix:
    """Fit a logistic regression by Newton's method; return its weights, the bias first: `(1 + columns,)`."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread == 0] = 1
    x = np.column_stack([np.ones(len(rows)), (rows - mean) / spread])
    penalty = np.full(x.shape[1], ridge)
    penalty[0] = 0
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (p - truth) + penalty * weights
        hessian = (x.T * (p * (1 - p))) @ x + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    slopes = weights[1:] / spread
    return np.concatenate([[weights[0] - slopes @ mean], slopes])


def weights_of(cases: Sequence[Case], names: Sequence[str], ridge: float) -> dict[str, float]:
    """Fit the weights of these values; return them by name, as `turn_text` has them."""
    values = [case.look.values() for case in cases]
    rows = np.array([[value[name] for name in names] for value in values])
    truth = np.array([case.end for case in cases], float)
    return dict(zip(("bias", *names), fit(rows, truth, ridge).tolist(), strict=True))


def without_each(cases: Sequence[Case], names: Sequence[str], ridge: float) -> dict[str, dict[str, float]]:
    """Return for each recording the weights fitted to all others."""
    return {
        left_out: weights_of([case for case in cases if case.recording != left_out], names, ridge)
        for left_out in dict.fromkeys(case.recording for case in cases)
    }


def auc(scores: Matrix, ends: NDArray[np.bool_]) -> float:
    """Return the share of pairs of an end and an inner pause that are in order; a tie counts half."""
    pairs = scores[ends][:, np.newaxis] - scores[~ends]
    return float(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def auc_with_interval(cases: Sequence[Case], scores: Matrix) -> tuple[float, float, float]:
    """Return AUC and its interval; recordings are resampled with replacement."""
    ends = np.array([case.end for case in cases])
    places: dict[str, list[int]] = {}
    for n, case in enumerate(cases):
        places.setdefault(case.recording, []).append(n)
    groups, random, drawn = list(places.values()), np.random.default_rng(0), []
    for _ in range(1000):
        chosen = np.concatenate([groups[n] for n in random.integers(0, len(groups), len(groups))]).astype(int)
        if 0 < ends[chosen].sum() < len(chosen):
            drawn.append(auc(scores[chosen], ends[chosen]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return auc(scores, ends), float(low), float(high)


def judge_of(name: str, weights: Mapping[str, float], sound_alone: Mapping[str, float]) -> Judge:
    """Return how a candidate judges: `fused` uses the sound alone until, and unless, there are words."""

    def judge(look: Look) -> Verdicts:
        values, both_ms = look.values(), SOUND_MS + look.text_ms
        if name == "smart_turn":
            return [(SOUND_MS, finished(weights, values))]
        if name == "text":
            return [(look.text_ms, finished(weights, values))] if look.text else ()
        by_both = finished(weights, values) if look.text else finished(sound_alone, values)
        early_ms = max(SOUND_MS, PATIENCE_NS / MS)
        early = [(early_ms, finished(sound_alone, values))] if both_ms > early_ms else []
        return [*early, (both_ms, by_both)]

    return judge


def table_of(text: str) -> dict[float, str]:
    """Parse a table of waits, in the form that `turn` takes."""
    pairs = [line.split(":") for line in text.split()]
    return {float(probability): f"{ms}ms" for probability, ms in pairs}


def recordings_of(folder: Path) -> dict[str, str]:
    """Return the recording of each clip."""
    with open(folder / "manifest.tsv", encoding="utf-8", newline="") as stream:
        return {
            Path(row["file"]).name: f"{row['source']} {row['path']}"
            for row in csv.DictReader(stream, delimiter="\t")
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--smart-turn", type=Path, metavar="FILE.onnx", help="by default the one that was pulled"
    )
    parser.add_argument("--looks", type=Path, metavar="FILE.json")
    parser.add_argument("--ridge", type=float, default=3.0)
    parser.add_argument("--waits", action="append", metavar="'P:MS ...'", help="in place of the tables here")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    model = SmartTurn(args.smart_turn) if args.smart_turn else smart_turn.load()
    with Harness(MoonshineStt()) as stt:
        told = measured(args.folder, Looks(model, stt, args.looks), args.waits or WAITS, args.ridge)
    print(json.dumps(told) if args.json else shown(told))


def measured(folder: Path, looks: Looks, tables: Sequence[str], ridge: float) -> dict[str, Any]:
    """Return all figures to print."""
    recordings = recordings_of(folder)
    clips = [(clip, sound(clip)) for clip in clips_of(folder)]
    windows = [rated(samples) for _, samples in clips]
    cases: list[Case] = []
    for (clip, samples), rating in zip(clips, windows, strict=True):
        _, _, pauses = replay(rating, lambda *_: (), PATIENT_MS, {})
        looked = [(stop / SECOND, looks.at(clip, samples, start, stop)) for start, stop in pauses]
        cases += cases_of(clip, recordings[clip.file.name], looked)
    looks.save()
    sets, unseen = {}, {}
    for title, names in SETS.items():
        unseen[title] = without_each(cases, names, ridge)
        scores = np.array([finished(unseen[title][case.recording], case.look.values()) for case in cases])
        sets[title] = (names, auc_with_interval(cases, scores))
    whole = {title: weights_of(cases, SETS[title], ridge) for title in ("AUDIO", "TEXT", "AUDIO_AND_TEXT")}
    kind_of = {name: kind for kind, names in KINDS.items() for name in names}
    rows: dict[str, dict[str, Row]] = {kind: {} for kind in KINDS}
    for (clip, samples), rating in zip(clips, windows, strict=True):
        recording = recordings[clip.file.name]
        made = rows[kind_of[clip.kind]]
        for wait in PLAIN_MS:
            ends, found, _ = replay(rating, lambda *_: (), wait, {})
            made.setdefault(f"{wait} ms", Row(f"{wait} ms", wait)).outcomes.append(judged(clip, ends, found))
        for name, title in CANDIDATES.items():
            weights = [unseen[key].get(recording, whole[key]) for key in (title, "AUDIO")]
            judge = looking(judge_of(name, *weights), looks, clip, samples)
            for table in tables:
                ends, found, _ = replay(rating, judge, UNJUDGED_MS, table_of(table))
                policy = f"{name} {table}"
                made.setdefault(policy, Row(policy, None)).outcomes.append(judged(clip, ends, found))
    looks.save()
    return {
        "clips": len(clips),
        "pauses": len(cases),
        "ends": sum(case.end for case in cases),
        "recordings": len({case.recording for case in cases}),
        "auc": {title: [list(names), [round(v, 3) for v in found]] for title, (names, found) in sets.items()},
        "weights": {title: {n: round(w, 3) for n, w in found.items()} for title, found in whole.items()},
        "policies": {kind: [row.figures() for row in made.values()] for kind, made in rows.items() if made},
    }


def looking(judge: Judge, looks: Looks, clip: Clip, samples: Samples) -> Callable[[int, int], Verdicts]:
    """Return a function that judges the pauses of a clip."""
    return lambda start_ns, stop_ns: judge(looks.at(clip, samples, start_ns, stop_ns))


def shown(told: Mapping[str, Any]) -> str:
    """Format the figures as text."""
    lines = [
        f"{told['pauses']} pauses, {told['ends']} of them ends, of {told['clips']} turns out of"
        f" {told['recordings']} recordings",
        "AUC, of recordings that were not seen (95 %):",
    ]
    for title, (names, (value, low, high)) in told["auc"].items():
        lines.append(f"  {title:20} {value:.3f} ({low:.3f} to {high:.3f})  {', '.join(names)}")
    lines += [f"{title} = {json.dumps(found)}" for title, found in told["weights"].items()]
    for kind, rows in told["policies"].items():
        lines.append(f"{kind}: {rows[0]['turns']} turns, {rows[0]['ends']} ends")
        for row in rows:
            low, high = row["interval_percent"]
            lines.append(
                f"  {row['policy']:36} cut {row['cut_percent']:4.1f} % ({low:.0f} to {high:.0f}), pauses"
                f" {row['pauses_cut']:3d}, delay {row['mean_ms']} / {row['p50_ms']} ({row['p50_low_ms']} to"
                f" {row['p50_high_ms']}) / {row['p90_ms']} ms, missed {row['missed']}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
