"""Errors of the decode engine; each message says what mends it. Importing it loads no torch."""

from __future__ import annotations


class DecodeError(Exception):
    """Base of the errors of this library."""


class Unsupported(DecodeError):
    """The model's architecture, type or option is not one that the engine runs."""


class TooLong(DecodeError):
    """A prompt does not fit into a slot."""


class Full(DecodeError):
    """Every slot was busy until the deadline."""

    temporary = True
    """The same request may be answered later: `vflow serve` tells its client so."""


class Failed(DecodeError):
    """The device failed while it worked on a session: out of memory, or an error of the library's."""


class Closed(DecodeError):
    """The engine, or the session, is closed."""


def died(fault: BaseException) -> Failed:
    """The error of all that waits for an engine that ended by a fault of its own."""
    try:
        error = Failed(f"the decode engine ended: {type(fault).__name__}: {fault}")
    except Exception:  # an error whose own text fails
        error = Failed(f"the decode engine ended: {type(fault).__name__}")
    error.__cause__ = fault
    return error
