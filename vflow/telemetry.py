"""Keep libraries from reporting what runs here: importing vflow switches their telemetry off.

onnxruntime 1.32 writes a device id into the home directory, and events with the program's path for upload. It
reads its variable when it is loaded, so the variable is set before any node is loaded. huggingface_hub adds
to each request which packages are installed and what called it. A variable that is already set stays as it
is.
"""

from __future__ import annotations

import os

OFF = {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Sources: onnxruntime, docs/Privacy.md; huggingface_hub, "Environment variables"."""


def switch_off() -> None:
    """Set the variables for this process and its children."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
