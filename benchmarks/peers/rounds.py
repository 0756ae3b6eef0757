"""Ask the peers in turn, and make figures with targets of their answers."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from peers.client import Peer, PeerError

Answers = list[dict[str, Any]]
Ask = tuple[str, str, dict[str, Any]]
"""A peer's name, the run to make, and its options."""


@dataclass(frozen=True)
class Figure:
    """A measured value and its target: an upper bound, or with `at_least` a lower one."""

    what: str
    value: float
    target: float
    unit: str = "x"
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target


@dataclass
class Bench:
    """The peers, how long to measure, and the findings so far."""

    peers: dict[str, Peer]
    quick: bool = False
    figures: dict[str, Figure] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def ask(self, ask: Ask) -> dict[str, Any] | None:
        """Return one answer; None if the peer is skipped: an optional one is, from its first failure on.

        Raises: PeerError if any other peer fails.
        """
        name, run, options = ask
        if name in self.skipped:
            return None
        peer = self.peers[name]
        try:
            return peer.ask(run, **options)
        except PeerError as error:
            if not peer.optional:
                raise
            self.skipped[name] = f"{error}. {peer.install()}".strip()
            return None

    def need(self, name: str, run: str, **options: Any) -> dict[str, Any]:
        """Return the answer of a peer that is not optional. Raises: PeerError."""
        return self.peers[name].ask(run, **options)

    def turns(self, rounds: int, asks: dict[str, Ask]) -> dict[str, Answers]:
        """Ask all of them in turns, `rounds` times, after a round of a tenth of the size that does not count.
        Peers that fail or are skipped are not in the answer."""
        found: dict[str, Answers] = {label: [] for label in asks}
        for name, run, options in asks.values():
            self.ask((name, run, {**options, "packets": max(50, options["packets"] // 10)}))
        for _ in range(self.size(rounds, 1)):
            for label, ask in asks.items():
                answer = self.ask(ask)
                if answer is not None:
                    found[label].append(answer)
        return {label: answers for label, answers in found.items() if asks[label][0] not in self.skipped}

    def compare(self, id: str, what: str, ours: float, theirs: float, target: float) -> None:
        """Note a ratio of two latencies, unless the noise of the machine hid the smaller one."""
        if theirs > 0:
            self.figures[id] = Figure(what, ours / theirs, target)
        else:
            self.skipped[id] = f"the peer's latency is lost in noise ({theirs:.1f} us)"

    def rates(self, key: str, rounds: int, asks: dict[str, Ask], best: bool = False) -> dict[str, float]:
        """Measure packets a second of each at full speed, and note them as detail `key`. With `best` take the
        best round instead of the median: other programs may cost more than the difference to be found."""
        answers = self.turns(rounds, asks)
        choose = max if best else statistics.median
        found = {label: choose(answer["per_s"] for answer in each) for label, each in answers.items()}
        self.detail[key] = {label: round(value) for label, value in found.items()}
        return found


def median(answers: Answers, value: Callable[[dict[str, Any]], float]) -> float:
    return statistics.median(value(answer) for answer in answers)


def percentile(values: list[float], percent: float) -> float:
    """Return the nearest-rank percentile: the smallest value that `percent` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]
