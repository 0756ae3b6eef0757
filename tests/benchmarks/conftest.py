"""Import modules of benchmarks/. It is not a package: its scripts import one another from that folder."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a module of benchmarks/ by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def decoding(benchmark: Callable[[str], ModuleType]) -> Callable[[str], ModuleType]:
    """Return a function that imports a module of benchmarks/decoding/."""
    return lambda name: benchmark(f"decoding.{name}")


@pytest.fixture
def mutation(benchmark: Callable[[str], ModuleType]) -> Callable[[str], ModuleType]:
    """Return a function that imports a module of benchmarks/mutation/."""
    return lambda name: benchmark(f"mutation.{name}")
