"""Keep which turns are open, and which have ended and were not taken yet by each who reads them."""

from __future__ import annotations

from collections import deque

from vflow.report.turn import TurnRecord


class EndedTurns:
    """Numbers of turns. Each reader is given each turn once; at most `kept` wait for one. One thread at a
    time."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._untaken: list[deque[int]] = []
        self.open: dict[int, None] = {}
        """Turns that were decided and have not ended."""
        self.new_reader()

    def new_reader(self) -> int:
        """Return the number of a reader more, who is given the turns that end from now on."""
        self._untaken.append(deque(maxlen=self._kept))
        return len(self._untaken) - 1

    def settle(self, turn: TurnRecord, had_ended: bool) -> None:
        """Note whether a turn is open or over after a message."""
        if not turn.ended:
            if "decided" in turn.at_ns or turn.words:
                self.open[turn.number] = None
            return
        self.open.pop(turn.number, None)
        if not had_ended:
            for untaken in self._untaken:
                untaken.append(turn.number)

    def take(self, reader: int = 0) -> list[int]:
        """Return the turns that ended since the reader's last call, in rising order."""
        numbers = sorted(self._untaken[reader])
        self._untaken[reader].clear()
        return numbers
