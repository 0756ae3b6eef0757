"""Turn the messages of a run's feed into the lines of text that `vflow top` shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import combining, east_asian_width

from vflow.printing import escaped
from vflow.scripts import join_words

MUCH = 0.8
"""Above this share a queue is marked as too full, and a thread as too busy."""
CELLS = 10
"""Width of a bar, in cells of the terminal."""
FIGURES = 44
"""Cells of a line after its name."""
SHORTEST = 20
"""Cells that a name keeps when it has to be shortened."""
WARNINGS = 3
"""How many of the newest warnings are shown."""
STAGES = {
    "endpoint": "your end noticed", "transcript": "transcript", "thinking": "thinking", "voice": "voice",
    "device": "device", "speaking": "speaking",
}  # fmt: skip
RED, DIM, BOLD, PLAIN = "\033[31m", "\033[2m", "\033[1m", "\033[0m"


class View:
    """The current view of a run. For one thread."""

    def __init__(self, pid: int, colours: bool = False) -> None:
        self._pid, self.colours = pid, colours
        self.ended = False
        self._file, self._state = "", ""
        self._figures: Mapping[str, Any] = {"links": {}, "threads": []}
        self._user, self._words = "", list[str]()
        self._turn = 0
        self._over: Mapping[str, Any] | None = None
        self._warnings: deque[str] = deque(maxlen=WARNINGS)

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a message of the feed; ignore unknown kinds."""
        match message:
            case {"type": "ready", "file": str(file)}:
                self._file = file
            case {"type": "state", "state": str(state)}:
                self._state = state
            case {"type": "figures", "links": dict(), "threads": list()}:
                self._figures = message
            case {"type": "user", "turn": int(turn), "text": str(text)}:
                self._begin(turn)
                self._user = text
            case {"type": "word", "turn": int(turn), "text": str(text)}:
                self._begin(turn)
                self._words.append(text)
            case {"type": "turn_ended", "stages": list()}:
                self._over = message
            case {"type": "warning", "node": str(node), "text": str(text)}:
                self._warnings.append(f"{node}: {text.partition(chr(10))[0]}")
            case {"type": "bye"}:
                self.ended = True

    def _begin(self, turn: int) -> None:
        if turn != self._turn:
            self._turn, self._user, self._words = turn, "", []

    def lines(self, columns: int, rows: int | None) -> list[str]:
        """Return at most `rows` lines, none wider than `columns` cells."""
        state = "the run has ended" if self.ended else self._state
        head = [f"vflow top · process {self._pid} · {state} · {self._file}", ""]
        foot = ["", *self._talk()]
        names = [
            *self._figures["links"],
            *(name for each in self._figures["threads"] for name in each["nodes"]),
        ]
        longest = max(map(width, names), default=SHORTEST) + 2
        room = max(SHORTEST, min(longest, columns - FIGURES))
        tables = [*self._threads(room), "", *self._links(room)]
        if rows is not None and len(head) + len(tables) + len(foot) > rows:
            kept = max(1, rows - len(head) - len(foot) - 1)
            left_out = len(tables) - kept
            tables = [*tables[:kept], f"... {left_out} more lines: make the window higher"]
        shown = [fitting(escaped(line), columns) for line in [*head, *tables, *foot]]
        return [self._coloured(line, at) for at, line in enumerate(shown[:rows])]

    def _threads(self, room: int) -> Iterator[str]:
        yield f"{'node':<{room}} {'busy':>5} {'':<{CELLS}} {'p50 ms':>8} {'p99 ms':>8} {'calls/s':>8}"
        alone = self._figures.get("nodes", {})
        for thread in self._figures["threads"]:
            head, *others = thread["nodes"]
            yield self._calls(head, room, alone.get(head, thread))
            for other in others:
                if other in alone:
                    yield self._calls(other, room, alone[other])
                else:
                    yield f"  {cells(other, room - 2)} in its thread"
        told = {name for thread in self._figures["threads"] for name in thread["nodes"]}
        for name in (
            name for name in alone if name not in told
        ):  # nodes in the thread of a source, which is not among the threads
            yield self._calls(name, room, alone[name])

    def _calls(self, name: str, room: int, of: Mapping[str, Any]) -> str:
        calls = f"{of['p50_ms']:>8.2f} {of['p99_ms']:>8.2f} {of['per_s']:>8.1f}"
        return self._line(name, room, of["busy"], calls, of["busy"] > MUCH)

    def _links(self, room: int) -> Iterator[str]:
        yield f"{'link':<{room}} {'full':>5} {'':<{CELLS}} {'age ms':>8} {'/s':>8} {'lost':>8}"
        for name, link in self._figures["links"].items():
            counts = f"{link['age_ms']:>8.1f} {link['per_s']:>8.1f} {link['dropped']:>8}"
            yield self._line(name, room, link["fill"], counts, link["dropped"] or link["fill"] > MUCH)

    def _line(self, name: str, room: int, share: float, figures: str, in_trouble: bool) -> str:
        return f"{cells(name, room)} {share:>5.0%} {bar(share)} {figures}{' !' if in_trouble else ''}"

    def _talk(self) -> Iterator[str]:
        if self._over is not None:
            stages = [
                f"{STAGES.get(stage['name'], stage['name'])} {took(stage)}{' (cut)' if stage['cut'] else ''}"
                for stage in self._over["stages"]
            ]
            yield f"turn {self._over['turn']}: {', '.join(stages) or 'no answer'}"
        if self._user:
            yield f"you:   {self._user}"
        if self._words:
            yield f"agent: {join_words(self._words)}"
        for warning in self._warnings:
            yield f"warning: {warning}"

    def _coloured(self, line: str, at: int) -> str:
        if not self.colours:
            return line
        if at == 0:
            return f"{BOLD}{line}{PLAIN}"
        if line.endswith("!") or line.startswith("warning:"):
            return f"{RED}{line}{PLAIN}"
        if line.startswith(("node ", "link ")):
            return f"{DIM}{line}{PLAIN}"
        return line


def took(stage: Mapping[str, Any]) -> str:
    ms = stage["end_ms"] - stage["start_ms"]
    return f"{ms:.0f} ms" if ms < 1_000 else f"{ms / 1_000:.1f} s"


def bar(share: float) -> str:
    full = round(min(1.0, max(0.0, share)) * CELLS)
    return "#" * full + "." * (CELLS - full)


def fitting(text: str, columns: int) -> str:
    """Return the text if it fits in this many cells of a terminal; else its beginning and an ellipsis."""
    if width(text) <= columns:
        return text
    kept = ""
    for letter in text:
        if width(kept) + width(letter) > columns - 3:
            break
        kept += letter
    return f"{kept}..."[:columns]


def cells(text: str, columns: int) -> str:
    """Return the text in exactly this many cells. A longer one is cut at its begin: its end tells more."""
    while width(text) > columns:
        text = f"...{text[4:]}" if text.startswith("...") else f"...{text[3:]}"
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    """Return the width of a text in cells: an East Asian letter takes two."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)
