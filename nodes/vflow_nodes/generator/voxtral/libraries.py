"""Check, without imports, whether the libraries that Voxtral needs are here and torch computes on CUDA."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from pathlib import Path

from vflow import install_command


def problem() -> str:
    """Return which library is not installed; '' if all are."""
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    return f"{' and '.join(missing)} not installed: {install_command('speech')}" if missing else ""


def cuda_problem() -> str:
    """Return why torch cannot compute on CUDA here; '' if it can."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "torch is not installed"
    version = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    if "cuda: Optional[str] = None" in version:
        return "this torch is built for the CPU"
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "no CUDA driver is installed"
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "no CUDA device was found"
    return ""
