"""The comparison of two replies."""

from __future__ import annotations

from typing import Any


def test_common_counts_the_equal_tokens_from_the_start(decoding: Any) -> None:
    common = decoding("greedy").common
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1, 2], [1, 2, 3]) == 2
    assert common([5], [6]) == 0
