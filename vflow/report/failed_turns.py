"""Detect a run that failed although its nodes went on: each of its turns ended in an error."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from vflow.bus import Message
from vflow.report.turn import TurnRecord
from vflow.report.turn_log import KEPT_TURNS


class FailedTurns:
    """Turns in which a node failed and went on; its warning has `failed_turn`. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[int, str] = {}  # guarded by _lock: warnings by turn, the newest last

    def listen(self, message: Message) -> None:
        """Take a message of the bus."""
        turn = message.data.get("failed_turn") if message.kind == "warning" else None
        if type(turn) is not int or not turn:
            return
        with self._lock:
            self._turns.pop(turn, None)
            self._turns[turn] = f"{message.source}: {message.text}"
            while len(self._turns) > KEPT_TURNS:
                del self._turns[next(iter(self._turns))]

    def verdict(self, turns: Iterable[TurnRecord]) -> str:
        """Return the last line of a run in which every turn ended in an error; '' if one did not, or if there
        was none.

        A turn that was interrupted, and one in which nothing was said, do not count.
        """
        with self._lock:
            named = dict(self._turns)
        failed = 0
        for turn in turns:
            if turn.stop_reason == "error" or (turn.number in named and not turn.heard):
                failed += 1
            elif not turn.interrupted and (turn.user or turn.words):
                return ""
        if not failed:
            return ""
        many = "the only turn" if failed == 1 else f"each of {failed} turns"
        last = next(reversed(named.values()), "")
        return f"nothing was answered: {many} ended in an error{f'; the last: {last}' if last else ''}"
