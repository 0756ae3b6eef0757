"""Choose where the kernels are tested: on CUDA if there is a device, else in Triton's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

CUDA = torch.cuda.is_available()
needs_cuda = pytest.mark.skipif(not CUDA, reason="needs a CUDA device")
DEVICE = torch.device("cuda" if CUDA else "cpu")
ALONE_S = 300
"""Time for a program in a process of its own: it compiles."""


@contextmanager
def interpreted() -> Iterator[None]:
    """Run kernels that are imported and called inside the context on `DEVICE`."""
    with pytest.MonkeyPatch.context() as patch:
        if not CUDA:
            patch.setenv("TRITON_INTERPRET", "1")
        yield


def run_alone(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a process that sees no device, with Triton's cache in `folder`."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TRITON_CACHE_DIR": str(folder),
        "CUDA_VISIBLE_DEVICES": "",
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        timeout=ALONE_S,
    )
