"""List what is installed and stored here: extras, known models, and models in the hub's cache."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement

from vflow import models
from vflow.errors import DISTRIBUTION, install_command
from vflow.models import hub_cache


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of vflow. `missing` are the requirements that are not met, each with why; `mend` is
    the command that installs them."""

    name: str
    missing: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that vflow knows by name, or one in the hub's cache (`owner/name`); `size` in bytes.

    `state` is `present`, `not here`, `incomplete`, or `files` for files pulled by name; `mend` is the command
    that fetches it.
    """

    name: str
    size: int
    state: str
    place: str
    demo: bool = False
    mend: str = ""


def extras(distribution: str = DISTRIBUTION) -> list[Extra]:
    """Return the extras of an installed distribution, from its metadata; none of them is imported."""
    try:
        metadata = importlib.metadata.metadata(distribution)
    except importlib.metadata.PackageNotFoundError:  # vflow runs from a source tree
        return []
    wanted = [Requirement(text) for text in metadata.get_all("Requires-Dist") or ()]
    found = []
    for name in metadata.get_all("Provides-Extra") or ():
        needs = [r for r in wanted if r.marker is not None and r.marker.evaluate({"extra": name})]
        needs = [r for r in needs if r.marker is not None and not r.marker.evaluate({"extra": ""})]
        missing = tuple(reason for need in needs if (reason := _unmet(need)))
        found.append(Extra(name, missing, install_command(name, distribution) if missing else ""))
    return found


def _unmet(need: Requirement) -> str:
    """Return why a requirement is not met; '' if it is."""
    text = f"{need.name}{need.specifier}"
    try:
        version = importlib.metadata.version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{text} (not installed)"
    return "" if need.specifier.contains(version, prereleases=True) else f"{text} ({version} is installed)"


def weights() -> list[StoredModel]:
    """Return the models that vflow knows, then those in the hub's cache. Reads no file's content."""
    return [*_known(), *_of_hub()]


def _known() -> Iterator[StoredModel]:
    for model in models.known():
        here = models.is_present(model.name)
        mend = "" if here else f"vflow models pull {model.name}"
        state, place = "present" if here else "not here", str(models.path(model.name))
        yield StoredModel(model.name, model.size, state, place, model.demo, mend)


def _of_hub() -> Iterator[StoredModel]:
    for copy in hub_cache.here():
        partly = copy.state == "in part"
        state, mend = ("incomplete", f"vflow models pull {copy.name}") if partly else (copy.state, "")
        yield StoredModel(copy.name, copy.size, state, str(copy.folder), mend=mend)
