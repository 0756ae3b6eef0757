"""Let a television speak beside the user: does it make turns, and is it glued into the user's?

    python benchmarks/foreground.py FOLDER [--below 10,16] [--foreground 0,9] [--json]

FOLDER is that of `turns.py`. A scene has one user, of whom FOLDER has two clips or more, and a television:
the clips that are read aloud, one after the other. The user says a clip, to be known; two seconds later the
television begins, for 24 s, and after 8 s of it the user says another clip. The mean power of the
television's voice is `--below` dB below that of the user's, its room included. The nodes are vflow's own,
driven window by window in the time of the clip: Silero and `turn`, alone and with each `foreground`.

A *false turn* has nothing of the user's clip in it. *Glued* is how long the television sounds in the user's
turns: before the moment at which the turn starts without a television, and from the clip's end to what the
turn takes for its last sound. A clip is *clipped* if its turn starts more than 0.2 s later than without a
television, *missed* if the turns have less than half of its sound.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from turns import RATE, Clip, clips_of, rated, sound

from vflow import Harness, Packet, Samples, SpeechEnd, SpeechStart
from vflow.packet import SECOND
from vflow_nodes.turn import Turn

TELEVISION_S, ALONE_S, BEFORE_S = 24.0, 2.0, 8.0
CLIPPED_S = 0.2


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene: its sound, and from when to when the user says the second clip, in s."""

    samples: Samples
    television_s: float
    said_s: tuple[float, float]
    """From where its turn starts without a television."""


@dataclass(slots=True)
class Tally:
    """The outcome of all scenes."""

    scenes: int = 0
    false_turns: list[int] = field(default_factory=list)
    glued_s: list[float] = field(default_factory=list)
    clipped: int = 0
    missed: int = 0


def spoken(clip: Clip) -> Samples:
    """Return a clip up to the end of its turn."""
    samples = sound(clip)
    return samples if clip.end_s is None else samples[: round((clip.end_s + 0.2) * RATE)]


def power(samples: Samples) -> float:
    """Return the mean power of the windows with voice."""
    voiced = [packet.mono() for packet in rated(samples) if packet.meta["speech"] >= 0.5]
    return float(np.mean(np.square(np.concatenate(voiced)))) if voiced else 0.0


def scene(known: Samples, said: Samples, television: Samples, below_db: float) -> Scene:
    """Mix a scene."""
    gain = np.sqrt(power(known) / power(television)) * 10 ** (-below_db / 20)
    begins = len(known) + round(ALONE_S * RATE)
    says = begins + round(BEFORE_S * RATE)
    length = max(begins + len(television), says + len(said)) + 2 * RATE
    samples = np.zeros(length, np.float32)
    samples[: len(known)] += known
    samples[begins : begins + len(television)] += television * np.float32(gain)
    samples[says : says + len(said)] += said
    alone = turns_of(rated(np.concatenate([said, np.zeros(RATE, np.float32)])), 0.0)
    first_s = alone[0][0] if alone else 0.5
    return Scene(samples, begins / RATE, (says / RATE + first_s, (says + len(said)) / RATE - 0.2))


def turns_of(windows: Sequence[Packet], foreground: float) -> list[tuple[float, float, float]]:
    """Return when each turn starts, when its last sound ended, and when that was decided, in s."""
    found: list[tuple[float, float, float]] = []
    starts: dict[int, float] = {}
    with Harness(Turn(foreground=foreground)) as harness:
        for window in windows:
            harness.time_ns = window.pts_ns
            harness.push(window)
            for item in harness.pull():
                if isinstance(item, SpeechStart):
                    starts[item.turn] = item.pts_ns / SECOND
                elif isinstance(item, SpeechEnd):
                    off = item.meta["voice_off_ns"] / SECOND
                    found.append((starts[item.turn], off, item.pts_ns / SECOND))
    return found


def judge(tally: Tally, mixed: Scene, windows: Sequence[Packet], foreground: float) -> None:
    """Count the outcome of a scene."""
    begin, end = mixed.said_s
    tally.scenes += 1
    false, heard, first = 0, 0.0, end
    for start, off, _ in turns_of(windows, foreground):
        if off <= mixed.television_s:
            continue
        overlap = max(0.0, min(off, end) - max(start, begin))
        heard += overlap
        first = min(first, start) if overlap else first
        if not overlap:
            false += 1
        else:
            tally.glued_s.append(max(0.0, begin - start) + max(0.0, off - end))
    tally.false_turns.append(false)
    tally.clipped += first > begin + CLIPPED_S
    tally.missed += heard < (end - begin) / 2


def scenes_of(folder: Path, below_db: float) -> list[Scene]:
    """Return all scenes of a folder."""
    clips = clips_of(folder)
    read = [spoken(clip) for clip in clips if clip.kind == "read"]
    television = np.concatenate([*read, *read])[: round(TELEVISION_S * RATE)]
    made: list[Scene] = []
    for _, group in groupby(clips, key=lambda clip: clip.file.stem.rpartition("-")[0]):
        said = [spoken(clip) for clip in group if clip.kind != "read" and clip.end_s is not None]
        said = [samples for samples in said if len(samples) < 10 * RATE and power(samples)]
        made += [scene(a, b, television, below_db) for a, b in zip(said[::2], said[1::2], strict=False)]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--below", default="10,16", help="dB, joined by commas")
    parser.add_argument("--foreground", default="0,9", help="values of the property, joined by commas")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for below in map(float, args.below.split(",")):
        tallies = {float(value): Tally() for value in args.foreground.split(",")}
        for mixed in scenes_of(args.folder, below):
            windows = rated(mixed.samples)
            for value, tally in tallies.items():
                judge(tally, mixed, windows, value)
        for value, tally in tallies.items():
            rows.append(
                {
                    "below_db": below,
                    "foreground_db": value,
                    "scenes": tally.scenes,
                    "false_turns_mean": round(float(np.mean(tally.false_turns)), 2),
                    "false_turns_max": max(tally.false_turns),
                    "glued_p50_s": round(float(np.median(tally.glued_s or [0.0])), 2),
                    "glued_max_s": round(max(tally.glued_s, default=0.0), 2),
                    "clipped": tally.clipped,
                    "missed": tally.missed,
                }
            )
    if args.json:
        print(json.dumps({"rows": rows}))
        return
    for row in rows:
        print(
            f"television {row['below_db']:g} dB below, foreground {row['foreground_db']:g} dB, "
            f"{row['scenes']} scenes: false turns {row['false_turns_mean']} (max {row['false_turns_max']}), "
            f"glued {row['glued_p50_s']} s (max {row['glued_max_s']}), clipped {row['clipped']}, "
            f"missed {row['missed']}"
        )


if __name__ == "__main__":
    main()
