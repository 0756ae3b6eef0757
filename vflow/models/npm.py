"""Fetch an npm package as one file: some hold models, beside code that never runs here."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from vflow.errors import Unavailable

SILENT_S = 30.0
"""Longest wait for a registry that sends nothing."""
_BLOCK = 1 << 20


def is_npm(requirement: str) -> bool:
    """Return whether a requirement names an npm package (name@version), not a wheel (name==version)."""
    return "@" in requirement and "==" not in requirement


def download(requirement: str, folder: Path, report: Callable[[float], None], again: str) -> Path:
    """Download a package and return its file; unpack nothing. The registry is `NPM_CONFIG_REGISTRY` of the
    environment, or the one that npm is set to.

    report: is called with the share that has come, 0 to 1. again: the command to run again, for messages.
    Raises: Unavailable if it does not come.
    """
    name, _, version = requirement.rpartition("@")
    registry = _registry(requirement)
    target = folder / f"{name.rpartition('/')[2]}-{version}.tgz"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            urllib.request.urlopen(f"{registry}/{name}/-/{target.name}", timeout=SILENT_S) as answer,
            target.open("wb") as out,
        ):
            total, done = int(answer.headers.get("content-length") or 0), 0
            while block := answer.read(_BLOCK):
                done += out.write(block)
                report(min(1.0, done / total) if total else 0.0)
            if done < total:
                raise OSError(f"{done} of {total} bytes came")
    except urllib.error.HTTPError as error:
        error.close()
        raise Unavailable(_failed(requirement, registry, f"{error.code} {error.reason}", again)) from None
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError, EOFError) as error:
        raise Unavailable(
            _failed(requirement, registry, str(getattr(error, "reason", error)), again)
        ) from None
    except OSError as error:
        if error.errno is not None:  # an error of the disk
            raise
        raise Unavailable(_failed(requirement, registry, str(error), again)) from None
    return target


def _registry(requirement: str) -> str:
    """Return the registry set up on this machine. Raises: Unavailable."""
    if found := os.environ.get("NPM_CONFIG_REGISTRY"):
        return found.rstrip("/")
    program = shutil.which("npm")
    if program is None:
        raise Unavailable(
            f"{requirement} is of npm, which is not here: install Node.js, or set NPM_CONFIG_REGISTRY"
        )
    try:
        asked = subprocess.run(
            [program, "config", "get", "registry"],
            capture_output=True,
            text=True,
            timeout=SILENT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(
            f"npm does not say where its registry is: {error}; set NPM_CONFIG_REGISTRY"
        ) from error
    return asked.stdout.strip().rstrip("/")


def _failed(requirement: str, registry: str, why: str, again: str) -> str:
    return (
        f"could not fetch {requirement} from {registry}: {why}; check the network, then run '{again}' again"
    )
