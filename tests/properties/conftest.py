"""Profiles of hypothesis: by default a small repeatable run; VFLOW_EXAMPLES=1000 draws new ones, and more."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("VFLOW_EXAMPLES", "0"))
"""Random graphs, and conversations, to try; 0 for the small run."""

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile(
    "small", max_examples=100, derandomize=True, deadline=None, print_blob=True, suppress_health_check=_CHECKS
)
settings.register_profile(
    "large", max_examples=EXAMPLES or 1, deadline=None, print_blob=True, suppress_health_check=_CHECKS
)
settings.load_profile("large" if EXAMPLES else "small")
