"""Test kernels where Triton has a wheel: Linux on x86-64. If it is missing there, that is an error."""

from __future__ import annotations

import platform
import sys

HAS_WHEEL = sys.platform == "linux" and platform.machine() == "x86_64"
collect_ignore = [] if HAS_WHEEL else ["test_ops_triton.py", "test_sampling_triton.py"]
