"""Find words that nobody could pronounce: hashes, keys, base64, and letters without end."""

from __future__ import annotations

import itertools
import re

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KEY = re.compile(r"[A-Za-z0-9+/=_.:-]+")
_ADDRESS = re.compile(r"(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}")
_SHORTEST = 16
"""A mixture of letters and digits at least this long is a code rather than a name."""
_LONGEST_WORD = 45
"""Letters of the longest word that is pronounced."""


def is_code(core: str) -> bool:
    """Tell whether a word is a hash, a key or the like, which nobody pronounces."""
    length = len(core)
    if length < _SHORTEST or not core.isascii():
        return False
    if length > _LONGEST_WORD and core.isalnum() and not core.isdigit():
        return True
    if _UUID.fullmatch(core):
        return True
    if not _KEY.fullmatch(core) or _ADDRESS.fullmatch(core):
        return False
    if length > 4 * _LONGEST_WORD:
        return True
    digits = sum(map(str.isdigit, core))
    letters = sum(map(str.isalpha, core))
    if digits == 0:
        if letters > 20 and core.isupper() and core.isalpha():
            return True
        return letters > 20 and _turns(core) >= letters // 4 and "_" not in core and "-" not in core
    if letters < 3:
        return False
    return _mixtures(core) >= 3 or (digits + letters >= 24 and _mixtures(core) >= 2)


def _turns(core: str) -> int:
    """Count the changes from a small letter to a capital within the word."""
    return sum(a.islower() and b.isupper() for a, b in itertools.pairwise(core))


def _mixtures(core: str) -> int:
    """Count the places where a letter and a digit meet."""
    return sum(
        a.isalnum() and b.isalnum() and a.isdigit() != b.isdigit() for a, b in itertools.pairwise(core)
    )
