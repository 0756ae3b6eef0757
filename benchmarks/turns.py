"""Count human turns that are cut off, for several waits: turns with pauses through the detector and `turn`.

    python benchmarks/turns.py FOLDER [--waits 320,480,640,800,1300,2000] [--set NAME=VALUE] [--json]
                               [--picture FILE.svg] [--smart-turn FILE.onnx]

FOLDER has clips of one turn each, 16 kHz, with half a second of room before and 3 s after; `manifest.tsv`
with the columns file and kind; and `pauses.tsv` with each silence of a turn: file, silence_from_s,
next_sound_s and label: `inner` if the same person goes on, `end` if the turn is over.

The nodes are vflow's own, driven window by window in the time of the clip: Silero once per clip, `turn` once
for each wait. A pause is *cut* if the end is decided within it, a turn if one of its pauses is. The delay is
from the true last sound to the decision; turns with an unknown end have none. A turn is *missed* if none is
found. Intervals are Wilson's for shares (1927), and of 1,000 resamplings by turn for the others, at 95 %.
LiveKit's default without a model is a wait of 0.5 s and more (min_delay); pipecat's is 0.2 s (stop_secs).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml
from peers.smart_turn import POLICIES, Policy

from vflow import AudioPacket, Harness, Packet, Samples, SpeechEnd, SpeechStart
from vflow.packet import MS, SECOND
from vflow_nodes.detector.silero import SileroDetector
from vflow_nodes.lib.smart_turn import SmartTurn
from vflow_nodes.turn import Turn

RATE, BLOCK = 16_000, 512
SAME_S = 0.25
"""Two ends of a sound that are closer than this count as one: `turn` dates both back to the same moment."""
WAITS_MS = (200, 320, 480, 500, 640, 800, 1000, 1300, 2000)
KINDS = {
    "conversation": ("call1", "call2", "dialog"),
    "to a machine": ("query",),
    "read aloud": ("read",),
}
CHOSEN = 480
"""The default wait of `turn`, marked in the picture."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One turn, in s: from and to of each silence after which the speaker goes on, and the turn's end."""

    file: Path
    kind: str
    inner: tuple[tuple[float, float], ...]
    end_s: float | None


@dataclass(slots=True)
class Outcome:
    """The outcome of one clip: how many pauses were cut, the delay of its end in ms, whether a turn was
    found."""

    pauses_cut: int
    delay_ms: float | None
    found: bool


@dataclass(slots=True)
class Row:
    """The results of one policy on the clips of one kind."""

    policy: str
    wait_ms: int | None
    outcomes: list[Outcome] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        cut = sum(1 for outcome in self.outcomes if outcome.pauses_cut)
        delays = [outcome.delay_ms for outcome in self.outcomes if outcome.delay_ms is not None]
        low, high = wilson(cut, len(self.outcomes))
        return {
            "policy": self.policy,
            "wait_ms": self.wait_ms,
            "turns": len(self.outcomes),
            "cut": cut,
            "cut_percent": round(100 * cut / len(self.outcomes), 1),
            "interval_percent": [round(100 * low, 1), round(100 * high, 1)],
            "pauses_cut": sum(outcome.pauses_cut for outcome in self.outcomes),
            "missed": sum(1 for outcome in self.outcomes if not outcome.found),
            "ends": len(delays),
            **{name: round(value) for name, value in spread(delays).items()},
        }


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share. Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209."""
    share, z2 = hits / of, z * z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return middle - half, middle + half


def spread(delays: Sequence[float]) -> dict[str, float]:
    """Return mean, median with interval, and ninth decile of delays, in ms; {} without delays."""
    if not delays:
        return {}
    values = np.asarray(delays)
    drawn = np.random.default_rng(0).choice(values, (1000, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    p50, p90 = np.percentile(values, [50, 90])
    return {"mean_ms": values.mean(), "p50_ms": p50, "p50_low_ms": low, "p50_high_ms": high, "p90_ms": p90}


def clips_of(folder: Path) -> list[Clip]:
    """Return the clips of a folder, in the order of its manifest."""
    silences: dict[str, list[dict[str, str]]] = {}
    for row in _rows(folder / "pauses.tsv"):
        silences.setdefault(row["file"], []).append(row)
    return [_clip(folder, row, silences.get(row["file"], [])) for row in _rows(folder / "manifest.tsv")]


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with open(file, encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter="\t")


def _clip(folder: Path, row: Mapping[str, str], silences: Sequence[Mapping[str, str]]) -> Clip:
    ends = [float(s["silence_from_s"]) for s in silences if s["label"] == "end"]
    inner = tuple(
        (float(s["silence_from_s"]), float(s["next_sound_s"])) for s in silences if s["label"] == "inner"
    )
    return Clip(folder / row["file"], row["kind"], inner, ends[-1] if ends else None)


def sound(clip: Clip) -> Samples:
    """Return the samples of a clip."""
    samples, rate = soundfile.read(clip.file, dtype="float32")
    assert rate == RATE, f"{clip.file} has {rate} Hz"
    made: Samples = samples
    return made


def rated(samples: Samples) -> list[Packet]:
    """Return the windows of a clip with the detector's ratings."""
    found: list[Packet] = []
    with Harness(SileroDetector()) as harness:
        for start in range(0, len(samples), BLOCK):
            block = samples[start : start + BLOCK]
            pts_ns = start * SECOND // RATE
            harness.push(AudioPacket(data=block, rate=RATE, pts_ns=pts_ns))
            found += [item for item in harness.pull() if isinstance(item, AudioPacket)]
    return found


def silences(windows: Sequence[Packet], values: Mapping[str, Any]) -> tuple[list[tuple[float, float]], bool]:
    """Run `turn` over the windows. Return for each end of a sound when it was and when `turn` decided on it,
    in s; and whether it found a turn."""
    ends: list[tuple[float, float]] = []
    found = False
    with Harness(Turn(**values)) as harness:
        for window in windows:
            harness.time_ns = window.pts_ns + window.duration_ns
            harness.push(window)
            for item in harness.pull():
                if isinstance(item, SpeechEnd):
                    ends.append((item.meta["voice_off_ns"] / SECOND, harness.time_ns / SECOND))
                found = found or isinstance(item, SpeechStart)
    return ends, found


def decided(windows: Sequence[Packet], values: Mapping[str, Any]) -> tuple[list[float], bool]:
    """Return when `turn` decides on ends, in s of the clip; and whether it finds a turn at all."""
    ends, found = silences(windows, values)
    return [at for _, at in ends], found


def by_model(
    windows: Sequence[Packet], samples: Samples, policy: Policy, values: Mapping[str, Any], model: SmartTurn
) -> tuple[list[float], bool]:
    """Return when a policy with a model decides. It looks at each silence, and then waits longer or not."""
    looks, found = silences(windows, {**values, "speech_end_after": f"{policy.look_ms}ms"})
    waits, _ = silences(windows, {**values, "speech_end_after": f"{policy.wait_ms}ms"})
    ends: list[float] = []
    for off, at in looks:
        if model.finished(samples[: round(at * RATE)]) >= policy.finished:
            ends.append(at)
        else:
            ends += [late for began, late in waits if abs(began - off) < SAME_S]
    return ends, found


def judged(clip: Clip, ends: Sequence[float], found: bool) -> Outcome:
    """Compare the decisions with the clip's labels."""
    cut = sum(any(start <= at < resumed for at in ends) for start, resumed in clip.inner)
    after = [at for at in ends if clip.end_s is not None and at >= clip.end_s]
    delay = (after[0] - clip.end_s) * SECOND / MS if after and clip.end_s is not None else None
    return Outcome(cut, delay, found)


def measure(
    clips: Sequence[Clip], waits_ms: Sequence[int], values: Mapping[str, Any], model: SmartTurn | None
) -> dict[str, list[Row]]:
    """Return rows by kind of clip: one for each wait, and with a model one for each policy that asks it."""
    peers = POLICIES if model is not None else ()
    rows = {
        kind: [*(Row(f"{wait} ms", wait) for wait in waits_ms), *(Row(peer.name, None) for peer in peers)]
        for kind in KINDS
    }
    kind_of = {name: kind for kind, names in KINDS.items() for name in names}
    for clip in clips:
        samples = sound(clip)
        windows = rated(samples)
        plain, asked = rows[kind_of[clip.kind]][: len(waits_ms)], rows[kind_of[clip.kind]][len(waits_ms) :]
        for row in plain:
            wait = {**values, "speech_end_after": f"{row.wait_ms}ms"}
            row.outcomes.append(judged(clip, *decided(windows, wait)))
        for row, peer in zip(asked, peers, strict=True):
            if model is not None:
                row.outcomes.append(judged(clip, *by_model(windows, samples, peer, values, model)))
    return {kind: made for kind, made in rows.items() if made[0].outcomes}


def _places(rows: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    return [row["mean_ms"] for row in rows], [row["cut_percent"] for row in rows]


def draw(results: Mapping[str, Sequence[Mapping[str, Any]]], file: str) -> None:
    """Draw cuts over delay, a curve for each kind. Needs matplotlib."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for kind, rows in results.items():
        label = f"{kind} ({rows[0]['turns']} turns)"
        plain = [row for row in rows if row["wait_ms"] is not None]
        (line,) = axis.plot(*_places(plain), marker="o", label=label)
        colour = line.get_color()
        axis.plot(
            *_places([row for row in plain if row["wait_ms"] == CHOSEN]), "o", ms=12, mfc="none", mec="black"
        )
        for row in rows[len(plain) :]:
            axis.plot(*_places([row]), "s", color=colour)
            axis.annotate(
                row["policy"], (row["mean_ms"], row["cut_percent"]), (6, 4), textcoords="offset points"
            )
        if kind == "conversation":  # intervals of the other kinds are wider than the picture
            x, y = _places(rows)
            errors = np.abs(np.array([row["interval_percent"] for row in rows]).T - y)
            axis.errorbar(x, y, yerr=errors, fmt="none", ecolor=colour, alpha=0.4)
    axis.set(xlabel="from the last sound to the decision, mean in ms", ylabel="turns cut, %", ylim=(0, 80))
    axis.set_title(
        f"Turns cut by a plain wait (ring: the default, {CHOSEN} ms), and by peers' policies", loc="left"
    )
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--waits", default=",".join(map(str, WAITS_MS)), help="in ms, comma-separated")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a property of turn")
    parser.add_argument("--smart-turn", type=Path, metavar="FILE.onnx", help="out of the wheel pipecat-ai")
    parser.add_argument("--picture", metavar="FILE.svg")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    pairs = (text.split("=", 1) for text in args.set)
    values = {name: yaml.safe_load(value) for name, value in pairs}
    model = SmartTurn(args.smart_turn) if args.smart_turn else None
    rows = measure(clips_of(args.folder), [int(wait) for wait in args.waits.split(",")], values, model)
    results = {kind: [row.figures() for row in made] for kind, made in rows.items()}
    if args.picture:
        draw(results, args.picture)
    if args.json:
        print(json.dumps(results))
        return
    for kind, figures in results.items():
        print(f"{kind}: {figures[0]['turns']} turns")
        print("  policy            cut  (95 %)       pauses  delay mean / p50 (95 %) / p90   ends  missed")
        for row in figures:
            low, high = row["interval_percent"]
            print(
                f"  {row['policy']:15}  {row['cut_percent']:4.0f} % ({low:.0f} to {high:.0f})"
                f"  {row['pauses_cut']:6d}  {row['mean_ms']:4d} / {row['p50_ms']} ({row['p50_low_ms']} to"
                f" {row['p50_high_ms']}) / {row['p90_ms']}  {row['ends']:4d}  {row['missed']:4d}"
            )


if __name__ == "__main__":
    main()
