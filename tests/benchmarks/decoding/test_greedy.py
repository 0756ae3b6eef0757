"""How far two replies are the same."""

from __future__ import annotations

from typing import Any


def test_two_replies_have_in_common_what_they_begin_with(decoding: Any) -> None:
    common = decoding("greedy").common
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1, 2], [1, 2, 3]) == 2
    assert common([5], [6]) == 0
