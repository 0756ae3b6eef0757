"""Measure latency in recorded samples, not by what the runtime says of itself.

Definitions, all after the high-pass (`vflow.high_pass`), since an offset, hum and thumps are not sound:
- voice_off is the end of the last 30 ms frame that is within 25 dB of the loudest such frame and 4 dB over
  the room, moved on while frames are 2 dB over the room: a voice dies away in the noise.
- The room is the fifth percentile of the mean power over 75 ms, without digital silence.
- voice_on is the start of the first frame within 25 dB of the loudest.
- audible is the first 5 ms frame of a reply within 40 dB of its loudest.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from vflow.high_pass import high_passed
from vflow.mixdown import mixed
from vflow.packet import MS, SECOND, Samples
from vflow.report.turn import TurnRecord

VOICE_FRAME_NS, VOICE_RANGE_DB = 30 * MS, 25.0
FOUND_DB, FOLLOWED_DB = 4.0, 2.0
"""Level over the room at which the last sound is found, and down to which its end is followed, in dB."""
ROOM_FRAMES, ROOM_PERCENT = 15, 5
OVERLAP = 6
"""How many frames on each side share samples with a frame: they begin a sixth of a frame apart."""
LOUD_DB = 6.0
"""A frame within this of the loudest is sound, however loud the room is."""
REPLY_FRAME_NS, REPLY_RANGE_DB = 5 * MS, 40.0
SILENCE_DB = -90.0
"""A stretch without a frame louder than this holds no sound (16-bit noise is near -98 dBFS)."""


def frame_levels(samples: Samples, rate: int, frame_ns: int, hop_ns: int) -> NDArray[np.float64]:
    """Return the RMS level of each whole frame in dBFS, `(frames,)`; `samples` is `(n,) float32`."""
    size, hop = (max(1, rate * ns // SECOND) for ns in (frame_ns, hop_ns))
    if len(samples) < size:
        return np.zeros(0)
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, len(samples) - size + 1, hop)
    mean = (energy[starts + size] - energy[starts]) / size
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(mean, 1e-12))
    return levels


def voice_off_ns(samples: Samples, rate: int) -> int | None:
    """Return where the user's last sound ends, in ns from the first sample; None in silence."""
    hop_ns = VOICE_FRAME_NS // OVERLAP
    levels = frame_levels(_ending(samples, rate), rate, VOICE_FRAME_NS, hop_ns)
    if not len(_loud(levels, LOUD_DB)):
        return None
    least, most, room = levels.max() - VOICE_RANGE_DB, levels.max() - LOUD_DB, _room(levels)
    last = np.flatnonzero(levels >= min(max(least, room + FOUND_DB), most))[-1]
    over = levels[last:] >= min(max(least, room + FOLLOWED_DB), most)
    followed = len(over) if over.all() else int(np.argmin(over))
    return (int(last) + followed - 1) * hop_ns + VOICE_FRAME_NS


def _room(levels: NDArray[np.float64]) -> float:
    """Return the level of the room among frames, in dBFS; SILENCE_DB if none was recorded."""
    if len(levels) < ROOM_FRAMES + 2 * OVERLAP:
        return SILENCE_DB
    recorded = np.lib.stride_tricks.sliding_window_view(levels > SILENCE_DB, ROOM_FRAMES + 2 * OVERLAP)
    means = np.convolve(10 ** (levels / 10), np.full(ROOM_FRAMES, 1 / ROOM_FRAMES), "valid")
    heard = means[OVERLAP:-OVERLAP][recorded.all(axis=1)]
    return 10 * float(np.log10(np.percentile(heard, ROOM_PERCENT))) if len(heard) else SILENCE_DB


def voice_on_ns(samples: Samples, rate: int) -> int | None:
    """Return where the user's first sound begins, in ns from the first sample; None in silence."""
    hop_ns = VOICE_FRAME_NS // OVERLAP
    loud = _loud(frame_levels(high_passed(samples, rate), rate, VOICE_FRAME_NS, hop_ns), VOICE_RANGE_DB)
    return int(loud[0]) * hop_ns if len(loud) else None


def audible_ns(samples: Samples, rate: int) -> tuple[int, int] | None:
    """Return start of the first and end of the last audible frame of a reply, in ns; None in silence."""
    starts, ends = (
        _loud(frame_levels(heard, rate, REPLY_FRAME_NS, REPLY_FRAME_NS), REPLY_RANGE_DB)
        for heard in (high_passed(samples, rate), _ending(samples, rate))
    )
    if not len(starts) or not len(ends):
        return None
    return int(starts[0]) * REPLY_FRAME_NS, (int(ends[-1]) + 1) * REPLY_FRAME_NS


def _ending(samples: Samples, rate: int) -> Samples:
    """Apply the high-pass backwards in time: its ringing then comes before sounds, not after their ends."""
    return high_passed(samples[::-1], rate)[::-1]


def _loud(levels: NDArray[np.float64], range_db: float) -> NDArray[np.intp]:
    if not len(levels) or levels.max() < SILENCE_DB:
        return np.zeros(0, np.intp)
    return np.flatnonzero(levels >= levels.max() - range_db)


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Return the maximum, and the median, p95 and p99 if there are enough samples (20, 59, 299)."""
    figures: dict[str, Any] = {"n": len(values)}
    if values:
        figures["max"] = round(max(values), 1)
    if len(values) >= 20:
        figures["p50"] = round(statistics.median(values), 1)
    if len(values) >= 59:
        figures["p95"] = round(statistics.quantiles(values, n=20)[-1], 1)
    if len(values) >= 299:
        figures["p99"] = round(statistics.quantiles(values, n=100)[-1], 1)
    return figures


def read_stretch(path: Path, start_ns: int, end_ns: int | None) -> tuple[Any, int]:
    """Return the samples of a stretch of a recording, mixed to `(n,) float32`, and its rate."""
    with soundfile.SoundFile(path) as file:
        rate = int(file.samplerate)
        first = min(start_ns * rate // SECOND, file.frames)
        last = file.frames if end_ns is None else min(-(-end_ns * rate // SECOND), file.frames)
        if file.seekable():
            file.seek(first)
        else:  # a format without seeking, such as GSM 6.10
            file.read(first, dtype="float32")
        return mixed(file.read(max(0, last - first), dtype="float32", always_2d=True), rate), rate


def refine(turns: Collection[TurnRecord], recorded_input: Path | None, recorded_output: Path | None) -> None:
    """Replace times claimed by the runtime by those in recordings. The input starts at pipeline time 0."""
    starts = sorted(turn.at_ns["audible"] for turn in turns if "audible" in turn.at_ns)
    for turn in turns:
        start, decided = turn.at_ns.get("speech_start"), turn.at_ns.get("decided")
        if recorded_input is not None and start is not None and decided is not None:
            found = voice_off_ns(*read_stretch(recorded_input, start, decided))
            if found is not None:
                turn.at_ns["voice_off"] = start + found
        if recorded_output is not None and "audible" in turn.at_ns:
            begin, end = turn.at_ns["audible"], turn.recorded_until_ns(starts)
            span = audible_ns(*read_stretch(recorded_output, begin, end))
            for moment in ("audible", "silent"):
                turn.at_ns.pop(moment, None)
            if span is not None:
                turn.at_ns["audible"], turn.at_ns["silent"] = begin + span[0], begin + span[1]
        turn.measured = None not in (recorded_input, recorded_output)
