"""Cut audio of any length into pieces that a source has room for."""

from __future__ import annotations

from typing import Any

PIECE_S = 1.0
"""Length of a piece."""


def pieces(audio: Any, rate: Any) -> list[Any]:
    """Cut audio into pieces of PIECE_S. Return anything that is not audio whole, for `push` to refuse."""
    count = 2 if isinstance(audio, bytes | bytearray | memoryview) else 1
    try:
        size = max(1, int(PIECE_S * rate)) * count
        return [audio[at : at + size] for at in range(0, max(1, len(audio)), size)]
    except (TypeError, ValueError, OverflowError, LookupError):
        return [audio]
