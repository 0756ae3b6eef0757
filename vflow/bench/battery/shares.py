"""Shares of scenes that went well, by kind, with intervals; and a stored baseline that they are held against.

A share got worse if it is below the interval of the baseline: chance alone seldom does that.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vflow.bench.battery.battery_run import SceneResult
from vflow.bench.battery.outcome import Verdict
from vflow.bench.battery.scene import KINDS
from vflow.errors import Diagnostic, GraphError, Place

FORMAT = 1
"""Version of the JSON objects, a baseline's too; raised when a key changes its meaning."""
ALL = "all"
MEND = "make it with 'vflow bench GRAPH --battery turns --save FILE'"


@dataclass(frozen=True, slots=True)
class Share:
    """The scenes of a kind that were judged, and how many were ok."""

    kind: str
    ok: int
    of: int
    faults: Mapping[str, int] = field(default_factory=dict)

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.ok, self.of)

    def as_dict(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "ok": self.ok,
            "of": self.of,
            "low": round(low, 4),
            "high": round(high, 4),
            "faults": dict(self.faults),
        }


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share, at 95 %; 0 to 1 of nothing. Source: Wilson 1927, J. Am. Stat. Assoc.
    22, 209."""
    if not of:
        return 0.0, 1.0
    share, z2 = hits / of, z * z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def shares(results: Sequence[SceneResult]) -> list[Share]:
    """Return the shares of the kinds that were judged, and that of all."""
    found = []
    for kind in [*KINDS, ALL]:
        verdicts = [r.outcome.verdict for r in results if kind in (ALL, r.played.scene.kind)]
        judged = [verdict for verdict in verdicts if verdict is not Verdict.NOT_JUDGED]
        if verdicts:
            faults = Counter(verdict.value for verdict in verdicts if verdict is not Verdict.OK)
            found.append(Share(kind, judged.count(Verdict.OK), len(judged), faults))
    return found


def baseline_of(found: Sequence[Share], fast: bool) -> str:
    """Return the text of a baseline."""
    kinds = {share.kind: {"ok": share.ok, "of": share.of} for share in found}
    return json.dumps({"battery": FORMAT, "time": time_of(fast), "kinds": kinds}, indent=1) + "\n"


def time_of(fast: bool) -> str:
    return "virtual" if fast else "real"


def read_baseline(file: str, fast: bool) -> dict[str, Share]:
    """Return the shares of a baseline, by kind. Raises: GraphError if it cannot be compared with."""

    def refused(message: str, mend: str = MEND) -> GraphError:
        return GraphError([Diagnostic(f"--baseline: {message}", Place(file), mend)])

    try:
        held = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise refused(f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise refused(f"is no JSON ({error})") from error
    if not isinstance(held, dict) or held.get("battery") != FORMAT:
        raise refused("is no baseline of a battery")
    if held.get("time") != time_of(fast):
        raise refused(
            f"was made in {held.get('time')} time, and this run is in {time_of(fast)} time",
            "leave out --fast" if fast else "add --fast",
        )
    kinds = held.get("kinds")
    if not isinstance(kinds, dict) or not all(_is_share(kind) for kind in kinds.values()):
        raise refused('its \'kinds\' are no shares, as {"pause": {"ok": 3, "of": 4}}')
    return {name: Share(name, kind["ok"], kind["of"]) for name, kind in kinds.items()}


def _is_share(kind: object) -> bool:
    if not isinstance(kind, dict):
        return False
    ok, of = kind.get("ok"), kind.get("of")
    return type(ok) is int and type(of) is int and 0 <= ok <= of


def worse(found: Sequence[Share], baseline: Mapping[str, Share]) -> Iterator[str]:
    """Yield a line for each share that is below the interval of its baseline, or that is missing."""
    now = {share.kind: share for share in found}
    for kind, before in baseline.items():
        share, (low, high) = now.get(kind), before.interval
        if share is None or (before.of and not share.of):
            yield f"{kind}: no scene was judged; {before.ok} of {before.of} were ok in the baseline"
        elif share.of and share.ok / share.of < low:
            was = f"{before.ok} of {before.of} ({low:.0%} to {high:.0%})"
            yield f"{kind}: {share.ok} of {share.of} ok, in the baseline {was}"
