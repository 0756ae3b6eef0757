"""Show the status of a verb: in one line that is redrawn, or in a line per step if there is no terminal."""

from __future__ import annotations

from typing import TextIO

from vflow.printing import escaped, put_raw, write

BAR = 30
"""Cells of the bar for a fraction."""
STEPS = 10
"""Lines printed for a whole fraction, if the line cannot be redrawn."""
ERASE = "\r\033[K"


class StatusLine:
    """The status of one verb on `stream`; if that is None, nothing is shown. One thread at a time."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.redraws = stream is not None and stream.isatty()
        self._drawn = False
        self._said: dict[str, str] = {}
        self._step = -1

    def show(self, text: str, fraction: float | None = None, source: str = "") -> None:
        """Show what is going on, and how much of it is done: 0 to 1, or None if unknown.

        If the line cannot be redrawn, a text that `source` says twice in a row is printed once, and a
        fraction at every tenth.
        """
        text = escaped(text)
        if self.redraws:
            self._erase()
            write(_bar(text, fraction), self.stream, end="")
            self._drawn = True
        elif fraction is not None:
            if (step := int(fraction * STEPS + 1e-9)) > self._step:
                write(f"{text}: {fraction:.0%}", self.stream)
                self._step = step
        else:
            self._step = -1  # the next fraction begins anew
            if self._said.get(source) != text:
                write(text, self.stream)
        self._said[source] = text

    def clear(self) -> None:
        """Remove the line."""
        if self._drawn:
            self._erase()
            self._drawn = False

    def _erase(self) -> None:
        if self.stream is not None:
            put_raw(ERASE, self.stream)

    def end(self) -> None:
        """Leave the line as it is, and go to the next."""
        if self._drawn:
            write("", self.stream)
            self._drawn = False


def _bar(text: str, fraction: float | None) -> str:
    if fraction is None:
        return text
    full = round(fraction * BAR)
    return f"[{'#' * full}{'.' * (BAR - full)}] {fraction:4.0%}  {text}"
