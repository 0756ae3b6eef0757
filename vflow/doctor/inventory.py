"""What is installed and stored here: extras, models, and what the hub's cache holds."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vflow import models

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "vflow"


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of vflow; `missing` are the requirements that are not met, each with why, and `mend`
    the command that installs them."""

    name: str
    missing: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A model that vflow knows by name, or one in the hub's cache (`owner/name`); `size` in bytes.

    `state` is `present`, `not here` or `incomplete`; `mend` the command that fetches it.
    """

    name: str
    size: int
    state: str
    place: str
    demo: bool = False
    mend: str = ""


def extras(distribution: str = DISTRIBUTION) -> list[Extra]:
    """The extras of an installed distribution, as its metadata names them; imports nothing of them."""
    from packaging.requirements import Requirement

    try:
        metadata = importlib.metadata.metadata(distribution)
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        return []
    wanted = [Requirement(text) for text in metadata.get_all("Requires-Dist") or ()]
    found = []
    for name in metadata.get_all("Provides-Extra") or ():
        needs = [r for r in wanted if r.marker is not None and r.marker.evaluate({"extra": name})]
        needs = [r for r in needs if r.marker is not None and not r.marker.evaluate({"extra": ""})]
        missing = tuple(reason for need in needs if (reason := _unmet(need)))
        found.append(Extra(name, missing, f"pip install '{distribution}[{name}]'" if missing else ""))
    return found


def _unmet(need: Requirement) -> str:
    """Why a requirement is not met; '' where it is."""
    text = f"{need.name}{need.specifier}"
    try:
        version = importlib.metadata.version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{text} (not installed)"
    return "" if need.specifier.contains(version, prereleases=True) else f"{text} ({version} is installed)"


def weights() -> list[Weights]:
    """The models that vflow knows, then what lies in the hub's cache; reads no file's content."""
    return [*_known(), *_of_hub()]


def _known() -> Iterator[Weights]:
    for model in models.known():
        here = models.is_present(model.name)
        mend = "" if here else f"vflow models pull {model.name}"
        state, place = "present" if here else "not here", str(models.path(model.name))
        yield Weights(model.name, model.size, state, place, model.demo, mend)


def hub_cache() -> Path:
    """Where transformers keeps what it fetched from the hub.

    Source: https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
    """
    if own := os.environ.get("HF_HUB_CACHE"):
        return Path(own).expanduser()
    home = os.environ.get("HF_HOME")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(home).expanduser() if home else cache / "huggingface") / "hub"


def _of_hub() -> Iterator[Weights]:
    try:
        folders = sorted(hub_cache().glob("models--*"))
    except OSError:
        return
    for folder in folders:
        snapshots = [file for file in (folder / "snapshots").rglob("*") if file.is_file()]
        # where the system has no links, what was fetched lies in the snapshots themselves
        files = [file for file in (folder / "blobs").glob("*") if file.is_file()] or snapshots
        whole = bool(snapshots) and not any(file.suffix == ".incomplete" for file in files)
        name = folder.name.removeprefix("models--").replace("--", "/")
        size = sum(file.stat().st_size for file in files)
        mend = "" if whole else f"vflow models pull {name}"
        yield Weights(name, size, "present" if whole else "incomplete", str(folder), mend=mend)
