"""Speak human clips over a reply: does it survive words of assent, and end at real interruptions?

    python benchmarks/backchannels.py FOLDER [--json]

FOLDER is that of `turns.py`, with a folder `backchannels` of short utterances that one person says while
another speaks. Each of them, and each clip of the kind `query` (said to a machine), is spoken over a reply
that does not end, at its recorded loudness, without echo. The nodes are vflow's own, driven window by window
in the time of the clip: Silero, `turn` and `backchannel.words`. A look comes LOOK_MS after its audio, however
fast this machine is. For comparison `turn` runs alone, where every utterance interrupts.

A reply is *cut* if it is interrupted. A *hole* is the time for which it was on hold before it went on; over
300 ms it counts as a cut. Times are from the first window of voice. Intervals of shares are Wilson's, at 95
%.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from turns import RATE, clips_of, rated, sound, wilson

from vflow import MS, AudioPacket, Event, Harness, Packet, Samples, SpeechStart, TextPacket
from vflow_nodes.backchannel.words import BackchannelWords
from vflow_nodes.turn import Turn

LOOK_MS = 50
"""How long a look takes, in ms: Moonshine tiny on a second of audio, on two cores."""
HOLE_MS = 300
SILENCE_S = 1.0
"""After each clip."""


@dataclass(slots=True)
class Fate:
    """The fate of the reply under one clip; times in ms from the onset of the voice, None for never."""

    clip: str
    onset_ns: int = -1
    silent_ms: float | None = None
    """When the reply fell silent: held or interrupted, whichever was first."""
    cut_ms: float | None = None
    holes_ms: list[float] = field(default_factory=list)

    @property
    def cut(self) -> bool:
        return self.cut_ms is not None or any(hole > HOLE_MS for hole in self.holes_ms)


def spoken_over(name: str, samples: Samples, judged: bool) -> Fate:
    """Speak a clip over a reply; return the reply's fate."""
    with ExitStack() as stack:
        judge = stack.enter_context(Harness(BackchannelWords())) if judged else None
        return _follow(name, samples, judge)


def _follow(name: str, samples: Samples, judge: Harness | None) -> Fate:
    fate = Fate(name)
    windows = rated(np.concatenate([samples, np.zeros(round(SILENCE_S * RATE), np.float32)]))
    with Harness(Turn()) as turn:
        turn.linked_sources = ("backchannel",) if judge is not None else ()
        turn.is_speaking = True
        looks: list[tuple[int, TextPacket]] = []
        onset_ns = held_ns = -1
        for window in windows:
            now_ns = window.pts_ns + window.duration_ns
            onset_ns = _onset(onset_ns, window)
            turn.time_ns = now_ns
            for look in [look for due_ns, look in looks if due_ns <= now_ns]:
                turn.push(look, "backchannel")
            looks = [(due_ns, look) for due_ns, look in looks if due_ns > now_ns]
            turn.push(window)
            for item in turn.pull():
                if isinstance(item, SpeechStart):
                    fate.onset_ns = item.meta.get("over_reply_ns", onset_ns)
                looks += [(now_ns + LOOK_MS * MS, look) for look in _given(judge, item, now_ns)]
            since_ms = (now_ns - fate.onset_ns) / MS
            if turn.interrupted:
                fate.cut_ms = since_ms
                fate.silent_ms = fate.silent_ms or since_ms
                return fate
            held = bool(turn.holds) and turn.holds[-1]
            if held and held_ns < 0:
                held_ns, fate.silent_ms = now_ns, fate.silent_ms or since_ms
            elif held_ns >= 0 and not held:
                fate.holes_ms.append((now_ns - held_ns) / MS)
                held_ns = -1
    return fate


def _onset(onset_ns: int, window: Packet) -> int:
    """Return when the voice that sounds in a window began, in ns; -1 without voice. `onset_ns`: the same for
    the window before."""
    if window.meta["speech"] < 0.5:
        return -1
    return window.pts_ns if onset_ns < 0 else onset_ns


def _given(judge: Harness | None, item: object, now_ns: int) -> list[TextPacket]:
    """Return the verdicts of `judge` on an item that `turn` sent."""
    if judge is None:
        return []
    judge.time_ns = now_ns
    judge.pull()
    if isinstance(item, Event):
        judge.event(item)
    elif isinstance(item, AudioPacket):
        judge.push(item)
    return [look for look in judge.pull() if isinstance(look, TextPacket)]


def summary(backchannels: Sequence[Fate], queries: Sequence[Fate]) -> dict[str, Any]:
    """Return the figures of one policy."""
    cut, taken = sum(fate.cut for fate in backchannels), [f for f in queries if f.cut_ms is not None]
    low, high = wilson(cut, len(backchannels))
    holes = [hole for fate in backchannels for hole in fate.holes_ms]
    return {
        "backchannels": len(backchannels), "cut": cut, "cut_low": low, "cut_high": high,
        "longest_hole_ms": max(holes, default=0.0), "interruptions": len(queries), "taken": len(taken),
        "silent_ms": _percentiles(fate.silent_ms for fate in taken),
        "flush_ms": _percentiles(fate.cut_ms for fate in taken),
    }  # fmt: skip


def _percentiles(times: Iterable[float | None]) -> list[float]:
    """Return p50 and p95."""
    found = [time for time in times if time is not None]
    return [float(p) for p in np.percentile(found, [50, 95])] if found else []


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    assents = [
        (file.name, soundfile.read(file, dtype="float32")[0])
        for file in sorted((args.folder / "backchannels").iterdir())
    ]
    queries = [(clip.file.name, sound(clip)) for clip in clips_of(args.folder) if clip.kind == "query"]
    found: dict[str, Any] = {}
    with Harness(BackchannelWords()):  # keeps the model
        for name, judged in (("turn alone", False), ("backchannel.words", True)):
            fates = [[spoken_over(*clip, judged) for clip in clips] for clips in (assents, queries)]
            found[name] = summary(*fates) | {"cut_by": [fate.clip for fate in fates[0] if fate.cut]}
    if args.json:
        print(json.dumps(found, indent=1))
        return
    for name, row in found.items():
        share = f"{row['cut']} of {row['backchannels']} ({row['cut_low']:.0%} to {row['cut_high']:.0%})"
        silent, flush = ("{:.0f} / {:.0f}".format(*row[key]) for key in ("silent_ms", "flush_ms"))
        print(
            f"{name:18} backchannels that cut the reply {share}, longest hole {row['longest_hole_ms']:.0f} ms"
        )
        print(
            f"{'':18} interruptions taken {row['taken']} of {row['interruptions']}; onset to silence or hold"
        )
        print(f"{'':18} {silent} ms, to a flush {flush} ms (p50 / p95)")


if __name__ == "__main__":
    main()
