"""Compare two runs over the same clips, clip by clip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SHARES = ("cut", "harmed", "missed")
DELAYS = ("decided_ms", "audible_ms")
DRAWN = 2000


def mcnemar(only_before: int, only_after: int) -> float:
    """Return the probability of so large a difference between paired yes and no, if there were none.

    Exact, two-sided. Source: McNemar 1947, Psychometrika 12, 153; its binomial form.
    """
    n, least = only_before + only_after, min(only_before, only_after)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(least + 1)) / 2**n)


def difference(before: Sequence[float], after: Sequence[float]) -> dict[str, float]:
    """Return the mean of paired differences, after less before, and its 95 % interval by the bootstrap; {}
    without pairs."""
    if not before:
        return {}
    differences = np.subtract(after, before)
    drawn = np.random.default_rng(0).choice(differences, (DRAWN, len(differences))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"n": len(differences), "mean": differences.mean(), "low": low, "high": high}


def compare(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the clips that both runs have; return the comparison of each of SHARES and DELAYS."""
    earlier = {clip["file"]: clip for clip in before}
    pairs = [(earlier[clip["file"]], clip) for clip in after if clip["file"] in earlier]
    found: dict[str, Any] = {"clips": len(pairs)}
    for name in SHARES:
        lost = sum(1 for old, new in pairs if new[name] and not old[name])
        won = sum(1 for old, new in pairs if old[name] and not new[name])
        found[name] = {"only_before": won, "only_after": lost, "p": mcnemar(won, lost)}
    for name in DELAYS:
        both = [(old[name], new[name]) for old, new in pairs if None not in (old[name], new[name])]
        found[name] = difference([old for old, _ in both], [new for _, new in both])
    return found
