"""Compare Moonshine by vflow with its own library: the words, the time, and the CPU that both take.

    python benchmarks/transcribe.py FOLDER [--threads 1] [--only N] [--json]

FOLDER has human speech: that of `turns.py`, or any with .wav and .flac. The first 15 s of each clip are
transcribed by moonshine-voice, as vflow did before; by vflow; and by vflow with the words of the first 80 %
as a guess, as `stt.moonshine` has them of an earlier pause. Times are of the second of two calls. CPU is that
of all threads, and includes waiting in a loop, as the library does it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from moonshine_voice import ModelArch
from moonshine_voice.transcriber import Transcriber as Library

from vflow import Samples
from vflow_nodes.lib.moonshine import RATE, Guess, Transcriber, folder_of

LONGEST_S, PART = 15, 0.8
SIZES_S = (3.0, 7.0, LONGEST_S)
"""Clips are told apart by length: up to each of these."""


def clip(file: Path) -> Samples:
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    made: Samples = soxr.resample(samples.mean(axis=1), rate, RATE).astype(np.float32)
    return made[: LONGEST_S * RATE]


def timed(work: Callable[[], str]) -> tuple[str, float, float]:
    """The result, and ms of time and CPU."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    text = work()
    return text, (time.perf_counter() - wall_s) * 1e3, (time.process_time() - cpu_s) * 1e3


def measure(files: list[Path], threads: int) -> list[dict[str, Any]]:
    """One row a clip."""
    folder = folder_of("tiny-en")
    options = {"vad_threshold": "0", "return_audio_data": "false"}
    library, own = Library(str(folder), ModelArch.TINY, options=options), Transcriber(folder, threads)
    rows = []
    for file in files:
        samples = clip(file)

        def by_library(heard: Samples = samples) -> str:
            lines = library.transcribe_without_streaming(heard.tolist(), RATE).lines
            return " ".join(line.text.strip() for line in lines)

        def guessed(heard: Samples = samples) -> tuple[str, float, float]:
            guess = Guess()
            own.text(heard[: round(PART * len(heard))], guess)
            return timed(lambda: own.text(heard, guess))

        ways = {
            "library": lambda: timed(by_library),
            "vflow": lambda heard=samples: timed(lambda: own.text(heard)),
            "guess": guessed,
        }
        row: dict[str, Any] = {"file": file.name, "seconds": len(samples) / RATE}
        for name, way in ways.items():
            way()
            row[name] = dict(zip(("text", "ms", "cpu_ms"), way(), strict=True))
        rows.append(row)
    library.close()
    return rows


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians by length, and how many transcripts differ."""
    told: dict[str, Any] = {
        "clips": len(rows),
        "differ_from_library": sum(row["vflow"]["text"] != row["library"]["text"] for row in rows),
        "differ_with_guess": sum(row["guess"]["text"] != row["vflow"]["text"] for row in rows),
        "lengths": {},
    }
    for low, high in zip((0.0, *SIZES_S), SIZES_S, strict=False):
        these = [row for row in rows if low < row["seconds"] <= high]
        if these:
            told["lengths"][f"up to {high:g} s"] = {
                "clips": len(these),
                **{
                    f"{way} {value}": round(float(np.median([row[way][value] for row in these])))
                    for way in ("library", "vflow", "guess")
                    for value in ("ms", "cpu_ms")
                },
            }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="N")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    files = sorted(file for file in args.folder.rglob("*") if file.suffix in (".wav", ".flac"))
    told = figures(measure(files[:: max(1, len(files) // args.only)] if args.only else files, args.threads))
    if args.json:
        print(json.dumps(told))
        return
    differ = (
        f"{told['differ_from_library']} differ from the library's, {told['differ_with_guess']} by a guess"
    )
    print(f"{told['clips']} clips; of the transcripts {differ}")
    for length, of in told["lengths"].items():
        print(f"  {length} ({of['clips']} clips), median ms:")
        for way in ("library", "vflow", "guess"):
            print(f"    {way:8} {of[f'{way} ms']:5d}, CPU {of[f'{way} cpu_ms']:5d}")


if __name__ == "__main__":
    main()
