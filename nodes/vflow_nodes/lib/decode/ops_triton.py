"""The steps of a decoder's forward pass as Triton kernels: the functions of `ops_torch`, for few rows.

They run on a CUDA device, or on the CPU in Triton's interpreter (`TRITON_INTERPRET=1` before the first call),
which is slow and for tests. No function waits for the device, and no value in a tensor decides what is
launched, so a CUDA graph may hold them all. Call each once before it is captured, since that compiles it.

Importing this module needs no triton; calling a function does. One thread, and one of its streams, at a time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path

import torch

from vflow_nodes.lib.decode.kernels.attend import attend_chunk, rope_attend, rope_write
from vflow_nodes.lib.decode.kernels.linear import gated, linear, rms_norm

__all__ = ["attend_chunk", "available", "gated", "linear", "rms_norm", "rope_attend", "rope_write"]


def available(head_dim: int = 64) -> str:
    """Return '' if these functions run on heads of that size; else why they do not, and how to mend it."""
    if head_dim < 16 or head_dim & (head_dim - 1):
        return f"they take heads of 16, 32, 64, ..., not of {head_dim}: use plain torch"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed: it comes with torch for CUDA on Linux (pip install triton)"
    if _interpreted():
        return ""
    if not torch.cuda.is_available():
        return "torch sees no CUDA device: use a CUDA build of torch and check the driver with nvidia-smi"
    major, minor = torch.cuda.get_device_capability()
    if major < 8:
        return (
            f"the device has compute capability {major}.{minor}, Triton's bfloat16 needs 8.0: use plain torch"
        )
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):
        return "triton finds no C compiler for its launcher: install gcc or clang, or name one in CC"
    if os.environ.get("CPATH") or os.environ.get("C_INCLUDE_PATH"):
        return ""
    # Debian's default scheme names a folder without headers; Triton does not look there either
    scheme = sysconfig.get_default_scheme().replace("posix_local", "posix_prefix")
    header = Path(sysconfig.get_path("include", scheme), "Python.h")
    return "" if header.exists() else f"triton's launcher needs {header}: install python3-dev"


def _interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"
