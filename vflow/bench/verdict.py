"""A verdict on one promise, and how its figures are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vflow.report.recordings import summary


class Standing(Enum):
    """The outcome of a promise."""

    KEPT = "kept"
    BROKEN = "BROKEN"
    NOT_MEASURED = "not measured"
    NOT_PROMISED = "not promised here"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class PromiseVerdict:
    """A promise, what was measured of it over `n` samples, and the samples that break it."""

    name: str
    promised: str
    measured: str
    n: int
    standing: Standing
    failures: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "promised": self.promised,
            "measured": self.measured,
            "n": self.n,
            "standing": self.standing.value.lower(),
            "failures": list(self.failures),
        }


def spread(values: Sequence[float]) -> str:
    """Return latencies in words: percentiles if there are enough samples, else the maximum."""
    figures = summary(values)
    if not values:
        return "-"
    quantiles = [f"{name} {figures[name]:.0f}" for name in ("p50", "p95", "p99") if name in figures]
    if quantiles:
        return f"{', '.join(quantiles)}, max {figures['max']:.0f} ms"
    return f"max of {len(values)}: {figures['max']:.0f} ms"


def limit(name: str, limit_ms: float, about: str, found: Sequence[tuple[str, float]]) -> PromiseVerdict:
    """Return the verdict on named samples, each of which must be below a limit."""
    failures = [f"{sample}: {ms:.0f} ms" for sample, ms in found if ms >= limit_ms]
    measured = spread([ms for _, ms in found])
    return verdict(name, f"{about} < {limit_ms:.0f} ms", measured, len(found), failures)


def verdict(name: str, promised: str, measured: str, n: int, failures: Sequence[str]) -> PromiseVerdict:
    """Return the verdict on `n` samples, of which `failures` break the promise."""
    standing = Standing.BROKEN if failures else Standing.KEPT if n else Standing.NOT_MEASURED
    return PromiseVerdict(name, promised, measured if n else "-", n, standing, tuple(failures))
