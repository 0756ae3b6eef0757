"""Errors of the decode engine; each message says how to mend it. Importing this module loads no torch."""

from __future__ import annotations


class DecodeError(Exception):
    """Base of this library's errors."""


class Unsupported(DecodeError):
    """The engine does not run this architecture, type or option."""


class TooLong(DecodeError):
    """A prompt does not fit into a slot."""


class Full(DecodeError):
    """Every slot was busy until the deadline."""

    temporary = True
    """The same request may succeed later: `vflow serve` tells its client so."""


class Failed(DecodeError):
    """The device failed while it worked for a session: it ran out of memory, or a library raised."""


class Closed(DecodeError):
    """The engine or the session is closed."""


def died(fault: BaseException) -> Failed:
    """Return the error for all who wait for an engine that ended by a fault of its own."""
    try:
        error = Failed(f"the decode engine ended: {type(fault).__name__}: {fault}")
    except Exception:  # the error's own text may raise
        error = Failed(f"the decode engine ended: {type(fault).__name__}")
    error.__cause__ = fault
    return error


def full(slots: int) -> Full:
    """Return the error of a request that waited in vain for one of `slots` slots."""
    return Full(f"all {slots} slots of the engine were busy; set 'slots' higher, or wait longer")
