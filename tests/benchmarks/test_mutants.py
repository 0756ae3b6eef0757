"""The choice of changes to try."""

from __future__ import annotations

from typing import Any


def test_a_sample_is_the_same_for_the_same_seed(benchmark: Any) -> None:
    chosen, path = benchmark("mutants").chosen, "vflow/runtime/link.py"
    first = chosen([path], 12, 1)
    assert first == chosen([path], 12, 1)
    assert first != chosen([path], 12, 2)
    assert len(first) == 12
    assert len(chosen([path], None, 1)) > 100
