"""The machine on which the figures were measured."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from typing import Any

from vflow.doctor.machine import cpu_name
from vflow.resources import usable_cores


def machine() -> dict[str, Any]:
    """Describe the machine. `gpu` is None if torch can use none. torch is not loaded to find out: a pipeline
    that does not use torch runs on no GPU."""
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "python": platform.python_version(),
        "torch": _torch_version() if torch is None else str(torch.__version__),
        "gpu": gpu,
    }


def _torch_version() -> str | None:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None
