"""Speculation: a turn is answered at its first pause, and what that reaches the world with waits.

Between `begin` (a pause) and `commit` (the utterance is over) a turn is *speculative*: links into nodes with
an effect hold what belongs to it, and what its nodes would tell the application is withheld. `retract` (the
user spoke on) makes it void. The runtime does this for every node that `speculates`, and all behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vflow.bus import Message

_TAKEN_BACK = 16
"""Turns that were taken back and are remembered: what is late of them has no effect."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A turn whose end may be taken back, says `node`, since a moment in ns of pipeline time."""

    turn: int
    node: str
    since_ns: int


@dataclass(slots=True)
class SpeculativeTurn:
    """What is known of one speculative turn; times in ns of pipeline time."""

    turn: int
    node: str
    """The node that has it answered in advance."""
    last_ns: int
    """When something of it was last made, or told."""
    retraction: int = 0
    """The number of the flush that retracted it last."""
    after_ns: int = -1
    """A pause up to this time has been retracted already."""
    messages: list[Message] = field(default_factory=list)
    """What is withheld."""


class Speculation:
    """The speculative turns of a pipeline. Any thread may call."""

    def __init__(self, nodes: frozenset[str], now_ns: Callable[[], int]) -> None:
        """`nodes` are those that may work in advance, and all that is behind them."""
        self.nodes = nodes
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._turns: frozenset[int] = frozenset()  # replaced under _lock, read without
        self._doubts: Mapping[int, Doubt] = {}  # replaced under _lock, read without
        self._taken_back: tuple[int, ...] = ()  # replaced under _lock, read without
        self._ahead: dict[
            int, SpeculativeTurn
        ] = {}  # guarded by _lock; outlives _turns until its messages are posted

    def holds(self, turn: int) -> bool:
        """Whether what belongs to this turn must not reach the world yet."""
        return turn in self._turns

    def doubts(self, turn: int) -> bool:
        """Whether what belongs to this turn must not have an effect that cannot be repeated."""
        return turn in self._turns or turn in self._doubts

    def doubt(self, turn: int, node: str) -> None:
        """The end of the turn may be false, says `node`."""
        with self._lock:
            self._doubts = {**self._doubts, turn: Doubt(turn, node, self._now_ns())}

    def settle(self, which: Callable[[Doubt], bool]) -> list[Doubt]:
        """Nobody takes back the turns any more for whose doubts `which` is true; returns these."""
        with self._lock:
            settled = [doubt for doubt in self._doubts.values() if which(doubt)]
            if settled:
                self._doubts = {d.turn: d for d in self._doubts.values() if d not in settled}
            return settled

    def take_back(self, turn: int) -> None:
        """The end of the turn was false: nothing of it has an effect that cannot be repeated."""
        with self._lock:
            self._taken_back = (*self._taken_back, turn)[-_TAKEN_BACK:]

    def was_taken_back(self, turn: int) -> bool:
        """Whether the turn is one of the last that were."""
        return turn in self._taken_back

    def begin(self, turn: int, node: str = "") -> None:
        """The turn may be over, says `node`: from now on it is answered in advance."""
        with self._lock:
            now_ns = self._now_ns()
            ahead = self._ahead.setdefault(turn, SpeculativeTurn(turn, node, now_ns))
            ahead.node, ahead.last_ns = node, now_ns
            self._turns |= {turn}

    def touch(self, turn: int) -> None:
        """Something of the turn was made."""
        ahead = self._ahead.get(turn)
        if ahead is not None:
            ahead.last_ns = self._now_ns()

    def begun_by(self, node: str) -> list[SpeculativeTurn]:
        """The turns that a node has answered in advance, and has not committed."""
        with self._lock:
            return [self._ahead[turn] for turn in sorted(self._turns) if self._ahead[turn].node == node]

    def older_than(self, age_ns: int) -> list[SpeculativeTurn]:
        """The turns of which nothing was made or told for so long."""
        since_ns = self._now_ns() - age_ns
        with self._lock:
            return [self._ahead[turn] for turn in sorted(self._turns) if self._ahead[turn].last_ns < since_ns]

    def forget(self, turn: int) -> None:
        """Nobody will commit the turn: nothing more of it is held, or withheld."""
        with self._lock:
            self._turns -= {turn}
            self._ahead.pop(turn, None)

    def wanted(self, turn: int, pts_ns: int) -> bool:
        """Whether the pause at `pts_ns` is worth an answer in advance: nobody has spoken on since."""
        with self._lock:
            return turn in self._turns and pts_ns > self._ahead[turn].after_ns

    def made(self, turn: int) -> bool:
        """Whether anything was made in advance that is told."""
        with self._lock:
            return turn in self._ahead and bool(self._ahead[turn].messages)

    def withhold(self, turn: int, epoch: int, message: Message) -> bool:
        """Keep a message until `commit`; False where its turn is sure. One that comes late, of a thread at an
        `epoch` before the retraction, is dropped."""
        with self._lock:
            ahead = self._ahead.get(turn)
            if ahead is not None and epoch >= ahead.retraction:
                ahead.messages.append(message)
                ahead.last_ns = self._now_ns()
            return ahead is not None

    def retract(self, turn: int, number: int, after_ns: int) -> list[Message] | None:
        """The user spoke on at `after_ns`; `number` is the flush. Returns what was withheld, and is void.

        None where the turn is not speculative."""
        with self._lock:
            if turn not in self._turns:
                return None
            ahead = self._ahead[turn]
            void, ahead.messages = ahead.messages, []
            ahead.retraction, ahead.after_ns = number, after_ns
            return void

    def cancel(self, turn: int, nodes: frozenset[str]) -> None:
        """A flush cancelled all turns up to `turn`: what these nodes have said in advance is void."""
        with self._lock:
            for ahead in self._ahead.values():
                if ahead.turn <= turn:
                    ahead.messages = [m for m in ahead.messages if m.source not in nodes]

    def commit(self, turn: int, release: Callable[[], None], post: Callable[[Message], None]) -> None:
        """The turn is sure: `release` the links, then post what was withheld in its order, by the time of
        now; each message has when it was made in `made_ns`."""
        with self._lock:
            self._turns -= {turn}
        release()
        while True:  # not under the lock: a listener may flush; meanwhile more may be withheld
            with self._lock:
                ahead = self._ahead.get(turn)
                if ahead is None or not ahead.messages:
                    self._ahead.pop(turn, None)
                    return
                messages, ahead.messages = ahead.messages, []
            for message in messages:
                data = {**message.data, "made_ns": message.at_ns}
                post(replace(message, at_ns=self._now_ns(), data=data))
