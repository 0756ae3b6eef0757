"""Check how well the last sound of a turn is found, in a quiet and in a loud room: live and in recordings.

    python benchmarks/voice_off.py FOLDER [--only N] [--json]

FOLDER is that of `turns.py`. Its clips are used as they are, and mixed with noise 20, 15 and 10 dB below the
mean power of the labelled sound: white, pink (-3 dB an octave) and that of a room (-5 dB an octave, varying
by 1.5 dB). The labels stay those of the clean clips, so a soft ending under the noise counts as an error.
Time is the clips' own, so the machine does not matter; a condition takes half a minute.

* live: `voice_off_ns` of the first end that `turn` decides on after the last sound, as the report has it;
* recorded: `voice_off_ns` of the samples of that turn, as the report has it where there is a recording;
* pause: from the last sound to the pause that it ends with, and pauses in a minute of speech;
* early: ends decided less than 400 ms after the last sound; cut: conversations as in `turns.py`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from turns import KINDS, RATE, Clip, clips_of, judged, rated, sound

from vflow import Harness, Packet, Pause, Samples, SpeechEnd, SpeechStart
from vflow.packet import MS, SECOND
from vflow.report.recordings import voice_off_ns
from vflow_nodes.turn import Turn

SLOPES = {"white": 0.0, "pink": -1.0, "room": -5 / 3}
"""Slope of each noise: exponent of power over frequency."""
SOFTER_DB = (20, 15, 10)
EARLY_MS = 400
ROOM_S = 0.5
"""Time of a clip before its first sound."""
CLOSE_MS = 30


@dataclass(slots=True)
class Row:
    """The results of one condition; errors and delays in ms."""

    recorded: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    pause: list[float] = field(default_factory=list)
    pauses: int = 0
    speech_s: float = 0.0
    early: int = 0
    cut: int = 0

    def figures(self) -> dict[str, Any]:
        return {
            "recorded": _errors(self.recorded),
            "live": _errors(self.live),
            "pause_ms": [round(float(ms)) for ms in np.percentile(self.pause, [50, 90])],
            "pauses_a_minute": round(60 * self.pauses / self.speech_s, 1),
            "early": self.early,
            "ends": len(self.live),
            "cut": self.cut,
        }


def _errors(errors: Sequence[float]) -> dict[str, float]:
    sizes = np.abs(errors)
    p50, p90 = np.percentile(sizes, [50, 90])
    close = 100 * np.mean(sizes <= CLOSE_MS)
    return {
        "median": round(float(np.median(errors))),
        "p50": round(p50),
        "p90": round(p90),
        "close": round(close),
    }


def noise(kind: str, frames: int, seed: int) -> Samples:
    """Return noise of power 1, `(frames,)`."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.normal(size=frames))
    hertz = np.fft.rfftfreq(frames, 1 / RATE)
    spectrum *= np.maximum(hertz, 60) ** (SLOPES[kind] / 2) * (hertz >= 20)
    made = np.fft.irfft(spectrum, frames)
    if kind == "room":
        seconds = np.arange(frames) / RATE
        level_db = random.uniform(-1.5, 1.5, int(seconds[-1]) + 2)
        made *= 10 ** (np.interp(seconds, np.arange(len(level_db)), level_db) / 20)
    return np.asarray(made / np.sqrt(np.mean(made**2)), np.float32)


def mixed(clip: Clip, samples: Samples, kind: str, softer_db: float, seed: int) -> Samples:
    """Return a clip with noise added, `softer_db` below the mean power of its labelled sound."""
    end_s = len(samples) / RATE if clip.end_s is None else clip.end_s
    sounds = np.zeros(len(samples), bool)
    sounds[round(ROOM_S * RATE) : round(end_s * RATE)] = True
    for begun, until in clip.inner:
        sounds[round(begun * RATE) : round(until * RATE)] = False
    power = float(np.mean(samples[sounds] ** 2)) * 10 ** (-softer_db / 10)
    return samples + noise(kind, len(samples), seed) * np.float32(np.sqrt(power))


def events(windows: Sequence[Packet]) -> Iterator[tuple[float, SpeechStart | Pause | SpeechEnd]]:
    """Yield the events of `turn`, each with the time at which it was emitted, in s."""
    with Harness(Turn()) as harness:
        for window in windows:
            harness.time_ns = window.pts_ns + window.duration_ns
            harness.push(window)
            for item in harness.pull():
                if isinstance(item, SpeechStart | Pause | SpeechEnd):
                    yield harness.time_ns / SECOND, item


def look(row: Row, clip: Clip, samples: Samples) -> None:
    """Add to `row` the findings in one clip whose end is known."""
    told = list(events(rated(samples)))
    ends = [at for at, event in told if isinstance(event, SpeechEnd)]
    row.cut += clip.kind in KINDS["conversation"] and judged(clip, ends, True).pauses_cut > 0
    if clip.end_s is None:
        return
    row.speech_s += clip.end_s - ROOM_S
    start_s = pause_s = 0.0
    for at, event in told:
        if isinstance(event, SpeechStart):
            start_s = event.pts_ns / SECOND
        elif isinstance(event, Pause):
            pause_s = at
            row.pauses += at < clip.end_s + 1.5
        elif at >= clip.end_s:
            row.live.append(event.meta["voice_off_ns"] / MS - clip.end_s * 1000)
            row.pause.append((pause_s - clip.end_s) * 1000)
            row.early += (at - clip.end_s) * 1000 < EARLY_MS
            found = voice_off_ns(samples[round(start_s * RATE) : round(at * RATE)], RATE)
            if found is not None:
                row.recorded.append(found / MS + (start_s - clip.end_s) * 1000)
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=int, metavar="N", help="the first N clips")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    clips = clips_of(args.folder)[: args.only]
    conditions = [("quiet", 0), *((kind, db) for kind in SLOPES for db in SOFTER_DB)]
    results: dict[str, Any] = {}
    for kind, db in conditions:
        row = Row()
        for seed, clip in enumerate(clips):
            samples = sound(clip)
            look(row, clip, samples if kind == "quiet" else mixed(clip, samples, kind, db, seed))
        name = kind if kind == "quiet" else f"{kind}, {db} dB"
        told = results[name] = row.figures()
        if not args.json:
            errors = "  ".join(
                f"{where} {e['median']:+d} |{e['p50']} / {e['p90']}| {e['close']} %"
                for where, e in (("recorded", told["recorded"]), ("live", told["live"]))
            )
            pause = "pause {} / {} ms, {:.0f} a minute".format(*told["pause_ms"], told["pauses_a_minute"])
            counts = f"early {told['early']} of {told['ends']}, cut {told['cut']}"
            print(f"{name:12} {errors}  {pause}  {counts}", flush=True)
    if args.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
