"""Admit sessions, count them, and end them when the server stops. For one event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vflow.graph.graph import Budget
from vflow.otel.span_export import SpanExport
from vflow.otel.turn_feed import TurnFeed
from vflow.packet import MS
from vflow.report.turn import LATENCIES, TurnRecord, in_ms
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline
from vflow.web.commands import LATER, LEAVING, Closing
from vflow.web.event_log import Tell, silent
from vflow.web.limits import USUAL_SESSIONS, Limits
from vflow.web.line import Lines
from vflow.web.load import Load
from vflow.web.tally import Tally

MOST_LOAD = 0.9
"""Share of the usable cores above which no session is admitted: it would slow down the others."""
BUSY = ("processing", "speaking")
LOOK_S = 0.02
"""Time between two looks whether a reply has ended."""
RECENT_S, FEW = 30.0, 3
"""The promised latency is checked over the turns of the last 30 s, if there were three or more."""


@dataclass(slots=True, eq=False)
class Guest:
    """One session as /status shows it: no words that were said."""

    protocol: str
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    since_s: float = field(default_factory=time.monotonic)
    state: str = "starting"
    turns: int = 0
    warnings: int = 0
    pipeline: Pipeline | None = None
    """The session's pipeline; None until it has begun."""
    feed: TurnFeed | None = None
    """Sends the session's turns as spans; None if nobody asked for them."""


class Roster:
    """The sessions of one server, and the limits within which more are admitted."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        load: Load | None = None,
        room: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`room` returns how many sessions keep the promised latency; None while that is not known."""
        self.limits, self._clock, self._room = limits, clock, room
        self.load = load or Load()
        self.guests: list[Guest] = []
        self.lines, self.tally = Lines(), Tally()
        self.tell: Tell = silent
        self.spans: SpanExport | None = None
        self.served = self.waiting = 0
        self.closed: Counter[str] = Counter()
        """How many connections have ended, by the word for their end."""
        self.stopping = asyncio.Event()
        self._late: deque[tuple[float, float, float]] = deque(maxlen=100)  # when, took and promised in ms

    @contextlib.contextmanager
    def wait(self) -> Iterator[None]:
        """Count a client as waiting while the `with` lasts: it has not begun a session yet. Raises: Closing
        if too many wait."""
        if self.waiting >= self.limits.waiting:
            raise Closing(LATER, "full", f"{self.waiting} clients are waiting to begin; try again later")
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    @property
    def capacity(self) -> int:
        """Most sessions at once."""
        return self.limits.sessions or self._room() or USUAL_SESSIONS

    def admit(self, protocol: str) -> Guest:
        """Admit a session. Raises: Closing if none can be served now, with the reason in words."""
        if (refusal := self._refusal()) is not None:
            raise refusal
        guest = Guest(protocol)
        self.guests.append(guest)
        self.served += 1
        self.tell("session_begun", {"session": guest.id, "protocol": protocol})
        return guest

    def _refusal(self) -> Closing | None:
        """Return why no session can be admitted now; None if one can."""
        if self.stopping.is_set():
            return Closing(LATER, "stopping", "the server is stopping; connect again later")
        if (count := len(self.guests)) >= self.capacity:
            return Closing(LATER, "full", f"all {count} sessions of this server are taken; try again later")
        if problem := self.strain():
            return Closing(LATER, "busy", problem)
        return None

    def begun(self, guest: Guest, pipeline: Pipeline, log: TurnLog) -> None:
        """A session's pipeline runs."""
        guest.state, guest.pipeline = "idle", pipeline
        if self.spans is not None:
            guest.feed = TurnFeed(self.spans, guest.id, pipeline, log)

    def leave(self, guest: Guest) -> None:
        """Remove a session that has ended, and count it."""
        self.guests.remove(guest)
        if guest.feed is not None:
            guest.feed.end()
        if guest.pipeline is not None:
            self.tally.ended(guest.pipeline.stats())
        seconds = round(time.monotonic() - guest.since_s, 1)
        self.tell("session_ended", {"session": guest.id, "seconds": seconds, "turns": guest.turns})

    def failed(self, guest: Guest, node: str, kind: str) -> None:
        """Count a session that has failed: by its node, and the kind of error."""
        self.tally.failures[node, kind] += 1
        self.tell("session_failed", {"session": guest.id, "node": node, "kind": kind})

    def count(self, code: str) -> None:
        """Count a connection that has ended or was refused, by the word for it."""
        self.closed[code] += 1
        self.tell("connection_closed", {"code": code})

    def turn_took(self, took_ms: float, promised_ms: float) -> None:
        """Remember a turn's latency, and the latency that its graph promises."""
        self._late.append((self._clock(), took_ms, promised_ms))

    def turn(self, guest: Guest, record: TurnRecord, budget: Budget | None) -> None:
        """Count a turn that has ended, and remember its latency if the graph promises one."""
        guest.turns += 1
        self.tally.turn(record)
        if guest.feed is not None:
            guest.feed.more()
        latencies = {name: ms for name in LATENCIES if (ms := in_ms(record.latency_ns(name))) is not None}
        told = {"session": guest.id, "turn": record.number, "outcome": record.outcome}
        self.tell("turn_ended", {**told, "latencies_ms": latencies})
        if budget is not None:
            took_ns = record.latency_ns("v2v" if budget.start == "voice_off" else "compute")
            if took_ns is not None:
                self.turn_took(took_ns / MS, budget.limit_ns / MS)

    async def stopped(self, guest: Guest) -> None:
        """Wait until the server stops; give a reply that is being spoken `drain_s` to end. Raises: Closing
        then."""
        await self.stopping.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.drain_s):
                while guest.state in BUSY:
                    await asyncio.sleep(LOOK_S)
        raise Closing(LEAVING, "stopping", "the server stops")

    def strain(self) -> str:
        """Return why one more session would break the promised latency; '' if it would not."""
        if not self.guests:
            return ""
        if (share := self.load.share()) > MOST_LOAD:
            return f"{share:.0%} of {self.load.cores:g} cores are in use; {self._first()}"
        since = self._clock() - RECENT_S
        recent = [(took, promised) for at, took, promised in self._late if at > since]
        if len(recent) < FEW:
            return ""
        took, promised = (statistics.median(column) for column in zip(*recent, strict=True))
        if took <= promised:
            return ""
        return f"replies take {took:.0f} ms now, {promised:.0f} ms are promised; {self._first()}"

    def _first(self) -> str:
        return f"those being served ({len(self.guests)}) go first: try again later"

    def problem(self) -> str:
        """Return why no session would be admitted now; '' if one would."""
        return "" if (refusal := self._refusal()) is None else refusal.text

    def status(self) -> dict[str, Any]:
        """Return the JSON of /status."""
        now = time.monotonic()
        return {
            "sessions": [
                {
                    "id": guest.id,
                    "protocol": guest.protocol,
                    "state": guest.state,
                    "seconds": round(now - guest.since_s, 1),
                    "turns": guest.turns,
                    "warnings": guest.warnings,
                }
                for guest in self.guests
            ],
            "capacity": self.capacity,
            "served": self.served,
            "closed": dict(sorted(self.closed.items())),
            "stopping": self.stopping.is_set(),
        }
