"""Make replies whose samples tell their reply's number, and find them in a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vflow import SECOND
from vflow.report.recordings import summary

RATE = 24_000
CHUNK_S, CHUNKS = 0.6, 20
"""Length and number of a reply's chunks: more than is played before the interruption."""
SENTENCE = "This is what the agent is saying now."
CODE = 100
"""All samples of reply n have the value CODE * n, 16 bit."""


def judge(recording: NDArray[np.int16], flushed: list[tuple[int, int]]) -> dict[str, Any]:
    """Find in a recording, `(n,) int16` at RATE, the replies 1, 2, ... that were interrupted.

    `flushed` has the moments in ns at which each interruption began, and was done.
    """
    stop, fresh, stale, silent = [], [], [], 0
    for reply, (begun, returned) in enumerate(flushed, 1):
        old, new = (np.flatnonzero(recording == CODE * number) for number in (reply, reply + 1))
        if not len(old):
            silent += 1
            continue
        stop.append(max(0.0, (int(old[-1]) + 1) / RATE - begun / SECOND) * 1000)
        stale.append(int((old >= returned * RATE // SECOND + 1).sum()))
        if len(new):
            fresh.append((int(new[0]) / RATE - begun / SECOND) * 1000)
    return {
        "stop_ms": summary(stop),
        "fresh_ms": summary(fresh),
        "stale_samples": sum(stale),
        "stale_ms": round(sum(stale) * 1000 / RATE, 1),
        "cuts_with_stale": sum(count > 0 for count in stale),
        "cuts": len(flushed),
        "never_heard": silent,
        "stop_all_ms": stop,
    }
