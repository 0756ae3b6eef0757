"""Keeps the libraries from reporting what runs here: importing vflow switches their telemetry off.

onnxruntime 1.32 writes a device id, and events with the program's path for upload, into the home directory.
It reads its variable when it is loaded, so the variable is set before any node is. huggingface_hub adds what
else is installed, and what called it, to each request. A variable that is set already stays as it is.
"""

from __future__ import annotations

import os

OFF = {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Sources: onnxruntime, docs/Privacy.md; huggingface_hub, "Environment variables"."""


def switch_off() -> None:
    """Set the variables for this process and its children."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
