"""Speculation: a turn is answered at its first pause, and the answer waits until the turn is over.

Between `begin` (a pause) and `commit` (the utterance is over) a turn is *speculative*. Links into nodes with
an effect hold what belongs to it, and messages of its nodes to the application are withheld. `retract` (the
user spoke on) makes all of that void. The runtime does this for every node that `speculates`, and for all
nodes downstream of one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vflow.bus import Message

_TAKEN_BACK = 16
"""How many of the turns taken back are remembered: late items of these have no effect."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A turn whose end `node` may take back, since a moment in ns of pipeline time."""

    turn: int
    node: str
    since_ns: int


@dataclass(slots=True)
class SpeculativeTurn:
    """The state of one speculative turn; times in ns of pipeline time."""

    turn: int
    node: str
    """The node that asked for an answer in advance."""
    last_ns: int
    """When something of the turn was last made or told."""
    retraction: int = 0
    """The number of the last flush that retracted it."""
    after_ns: int = -1
    """Pauses up to this time have been retracted."""
    messages: list[Message] = field(default_factory=list)
    """The messages that are withheld."""


class Speculation:
    """The speculative turns of a pipeline. Any thread may call."""

    def __init__(self, nodes: frozenset[str], now_ns: Callable[[], int]) -> None:
        """`nodes` are those that may work in advance, and all nodes downstream of them."""
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
        """Return whether items of this turn must not reach the world yet."""
        return turn in self._turns

    def doubts(self, turn: int) -> bool:
        """Return whether items of this turn must not have an effect that cannot be repeated."""
        return turn in self._turns or turn in self._doubts

    def doubt(self, turn: int, node: str) -> None:
        """Note that `node` may find the end of the turn false."""
        with self._lock:
            self._doubts = {**self._doubts, turn: Doubt(turn, node, self._now_ns())}

    def settle(self, which: Callable[[Doubt], bool]) -> list[Doubt]:
        """Remove the doubts for which `which` is true, and return them: nobody takes those turns back now."""
        with self._lock:
            settled = [doubt for doubt in self._doubts.values() if which(doubt)]
            if settled:
                self._doubts = {d.turn: d for d in self._doubts.values() if d not in settled}
            return settled

    def take_back(self, turn: int) -> None:
        """Note that the turn's end was false: nothing of it may have an effect that cannot be repeated."""
        with self._lock:
            self._taken_back = (*self._taken_back, turn)[-_TAKEN_BACK:]

    def was_taken_back(self, turn: int) -> bool:
        """Return whether the turn is one of the last that were taken back."""
        return turn in self._taken_back

    def begin(self, turn: int, node: str = "") -> None:
        """Begin to answer a turn in advance, since `node` says that it may be over."""
        with self._lock:
            now_ns = self._now_ns()
            ahead = self._ahead.setdefault(turn, SpeculativeTurn(turn, node, now_ns))
            ahead.node, ahead.last_ns = node, now_ns
            self._turns |= {turn}

    def touch(self, turn: int) -> None:
        """Note that something of the turn was made."""
        ahead = self._ahead.get(turn)
        if ahead is not None:
            ahead.last_ns = self._now_ns()

    def begun_by(self, node: str) -> list[SpeculativeTurn]:
        """Return the turns that a node has answered in advance and not committed."""
        with self._lock:
            return [self._ahead[turn] for turn in sorted(self._turns) if self._ahead[turn].node == node]

    def older_than(self, age_ns: int) -> list[SpeculativeTurn]:
        """Return the turns of which nothing was made or told for `age_ns`."""
        since_ns = self._now_ns() - age_ns
        with self._lock:
            return [self._ahead[turn] for turn in sorted(self._turns) if self._ahead[turn].last_ns < since_ns]

    def forget(self, turn: int) -> None:
        """Forget a turn that nobody will commit: hold and withhold nothing more of it."""
        with self._lock:
            self._turns -= {turn}
            self._ahead.pop(turn, None)

    def wanted(self, turn: int, pts_ns: int) -> bool:
        """Return whether to answer the pause at `pts_ns` in advance: the user has not spoken on since."""
        with self._lock:
            return turn in self._turns and pts_ns > self._ahead[turn].after_ns

    def made(self, turn: int) -> bool:
        """Return whether messages of the turn are withheld."""
        with self._lock:
            return turn in self._ahead and bool(self._ahead[turn].messages)

    def withhold(self, turn: int, epoch: int, message: Message) -> bool:
        """Keep a message until `commit`. Return False if its turn is not speculative. Drop a late message,
        from a thread at an `epoch` before the retraction."""
        with self._lock:
            ahead = self._ahead.get(turn)
            if ahead is not None and epoch >= ahead.retraction:
                ahead.messages.append(message)
                ahead.last_ns = self._now_ns()
            return ahead is not None

    def retract(self, turn: int, number: int, after_ns: int) -> list[Message] | None:
        """Note that the user spoke on at `after_ns`; `number` is the flush's. Return the withheld messages,
        which are void now; None if the turn is not speculative."""
        with self._lock:
            if turn not in self._turns:
                return None
            ahead = self._ahead[turn]
            void, ahead.messages = ahead.messages, []
            ahead.retraction, ahead.after_ns = number, after_ns
            return void

    def cancel(self, turn: int, nodes: frozenset[str]) -> None:
        """Drop the withheld messages of these nodes, for all turns up to `turn`: a flush cancelled them."""
        with self._lock:
            for ahead in self._ahead.values():
                if ahead.turn <= turn:
                    ahead.messages = [m for m in ahead.messages if m.source not in nodes]

    def commit(self, turn: int, release: Callable[[], None], post: Callable[[Message], None]) -> None:
        """End speculation about a turn: call `release` for the links, then `post` each withheld message, in
        order. A message gets the present time; `made_ns` in its data is when it was made."""
        with self._lock:
            self._turns -= {turn}
        release()
        while True:  # post outside the lock: a listener may flush, and more may be withheld meanwhile
            with self._lock:
                ahead = self._ahead.get(turn)
                if ahead is None or not ahead.messages:
                    self._ahead.pop(turn, None)
                    return
                messages, ahead.messages = ahead.messages, []
            for message in messages:
                data = {**message.data, "made_ns": message.at_ns}
                post(replace(message, at_ns=self._now_ns(), data=data))
