"""All errors of vflow, in one tree, and the three signals that unwind a thread.

A user's mistake is a `Diagnostic`: what failed, where in the file, and how to mend it.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from vflow import tracebacks

DISTRIBUTION = "vflow-voice"
"""The name to install by. On the package index, `vflow` is another project with the same import name."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file: `line` and `column` count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a graph; `mend` says how to repair it."""

    message: str
    place: Place | None = None
    mend: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        tail = f"; {self.mend}" if self.mend else ""
        return f"{head}{self.severity}: {self.message}{tail}"


class VflowError(Exception):
    """Base of every error that vflow raises on purpose."""


class GraphError(VflowError):
    """A graph cannot run; `diagnostics` holds every finding, not only the first."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


class PropertyError(VflowError):
    """A property has an unknown name, a wrong type or a value out of range."""

    def __init__(self, message: str, mend: str = "") -> None:
        self.message, self.mend = message, mend
        super().__init__(f"{message}; {mend}" if mend else message)


class Unavailable(VflowError):
    """A node cannot run here: a package, model, file or device is missing. The text says how to mend it."""


class DeclarationError(Unavailable):
    """A node class declares something that cannot work; `diagnostics` holds every finding, each with its
    place in the Python file."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(map(plain, self.diagnostics)))


class LinkFull(VflowError):
    """A link with the policy `error` is full."""


class NodeError(VflowError):
    """A node's code failed. Names the node, its place in the YAML, and in `message` the line of its own code.
    `__cause__` is the error that it raised."""

    def __init__(self, node: str, message: str, place: Place | None = None) -> None:
        self.node, self.message, self.place = node, message, place
        super().__init__(f"{place}: error: {node}: {message}" if place else f"{node}: {message}")

    @property
    def traceback(self) -> str:
        """The traceback of the node's own error, in lines; '' if it raised none."""
        return "" if self.__cause__ is None else tracebacks.whole(self.__cause__)


class Signal(BaseException):
    """Unwinds a thread. It is a BaseException, so that `except Exception` in a node cannot swallow it."""


class Flushed(Signal):
    """A flush made the work of this thread stale."""


class Stopped(Signal):
    """The pipeline stops: leave at once."""


class Drained(Signal):
    """The pipeline drains: a source ends its stream here."""


def plain(found: Diagnostic) -> str:
    """Return a finding in one line, without its severity."""
    return f"{found.place}: {found.message}{f'; {found.mend}' if found.mend else ''}"


def repr_of(value: object) -> str:
    """Return a value as messages print it, cut if it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def pass_on_ctrl_c(error: BaseException) -> None:
    """Raise `error` again if it may be the user's Ctrl-C, which only the main thread gets. For code that
    catches everything a node's own code raises."""
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error


def describe(error: BaseException, cls: type | None = None) -> str:
    """Return an error as messages print it: its kind and its text. One of vflow's own is its text alone,
    which names the mend. With the class of a node, add the line of its code that raised it."""
    place = "" if cls is None else tracebacks.place_in(cls, error)
    kind = f"{place}: {type(error).__name__}" if place else type(error).__name__
    try:
        text = str(error)
    except BaseException as raised:  # the error's own `__str__` may raise anything
        pass_on_ctrl_c(raised)
        return f"{kind} (whose text cannot be had)"
    if isinstance(error, VflowError):
        return text
    return f"{kind}: {text}" if text else kind


def install_command(extra: str, distribution: str = DISTRIBUTION) -> str:
    """Return the command that installs an extra of a distribution, by default vflow's own."""
    return f"pip install '{distribution}[{extra}]'"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a "did you mean" clause for a misspelt name; '' if no known name is near."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"did you mean {found[0]!r}?" if found else ""
