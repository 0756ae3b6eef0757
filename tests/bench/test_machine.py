"""The machine that figures are of: found without loading torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest

from vflow.bench.machine import machine


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_torch_is_not_loaded_to_find_out() -> None:
    script = (
        "import sys; from vflow.bench.machine import machine; found = machine();"
        "print(found['gpu'], found['torch'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    version = importlib.metadata.version("torch")
    assert done.stdout == f"None {version} False\n"


@pytest.mark.parametrize(("available", "gpu"), [(True, "NVIDIA L4"), (False, None)])
def test_the_device_is_the_one_that_torch_uses(
    monkeypatch: pytest.MonkeyPatch, available: bool, gpu: str | None
) -> None:
    cuda = SimpleNamespace(is_available=lambda: available, get_device_name=lambda: "NVIDIA L4")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="9.9+cu130", cuda=cuda))
    found = machine()
    assert (found["gpu"], found["torch"]) == (gpu, "9.9+cu130")
    assert found["cores"] > 0
