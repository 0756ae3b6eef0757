"""Kernels are tested where Triton has a wheel: Linux on x86-64."""

from __future__ import annotations

import importlib.util

collect_ignore = (
    [] if importlib.util.find_spec("triton") else ["test_ops_triton.py", "test_sampling_triton.py"]
)
