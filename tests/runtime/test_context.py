"""What a running pipeline offers a node: how many threads a library of its may take."""

from __future__ import annotations

import pytest

from tests.stand_ins import graph
from vflow.runtime import context


@pytest.mark.parametrize(("usable", "threads"), [(0.5, 1), (3.0, 1), (4.0, 2), (7.9, 3)])
def test_a_library_gets_half_of_the_usable_cores_unless_the_file_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, usable: float, threads: int
) -> None:
    monkeypatch.setattr(context, "usable_cores", lambda: usable)
    loaded = graph("threads: {onnxruntime: 5}\nnodes: {words: {use: t.words}}\n")
    assert context.threads_of(loaded, "torch") == threads
    assert context.threads_of(loaded, "onnxruntime") == 5
