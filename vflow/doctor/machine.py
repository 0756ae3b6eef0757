"""The machine as vflow sees it: Python, cores, memory, torch, and how fast memory is read."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vflow import __version__, models, resources
from vflow.doctor.accelerator import Torch, torch_build
from vflow.doctor.bandwidth import memory_gb_s
from vflow.errors import Unavailable, describe, pass_on_ctrl_c
from vflow.graph.registry import Registry
from vflow.graph.resolver import Resolver
from vflow.models.progress import Progress

AUDIO = ("mic", "speaker")


@dataclass(frozen=True, slots=True)
class Machine:
    """`cores` are all cores, `usable_cores` those that affinity and control groups leave. `load` is how many
    the machine's work of the last minute would fill. Sizes in bytes; None if the system does not say.
    `memory_read_gb_s` is measured, on all usable cores."""

    vflow: str
    python: str
    platform: str
    cpu: str
    cores: int
    usable_cores: float
    load: float | None
    omp_num_threads: str
    memory_total: int | None
    memory_free: int | None
    memory_read_gb_s: float | None
    cache: str
    cache_free: int | None
    torch: Torch | None


@dataclass(frozen=True, slots=True)
class AudioNode:
    """A node of the role `mic` or `speaker`. `devices` has a line for each; `problem` is '' if it can run."""

    name: str
    problem: str
    devices: tuple[str, ...]


def machine(report: Progress) -> Machine:
    """Examine the machine; blocks for about a second, and longer while torch is imported."""
    total, free = resources.memory()
    usable = resources.usable_cores()
    report("measuring how fast memory is read", None)
    speed = memory_gb_s(max(1, int(usable)), free)
    report("looking at torch", None)
    return Machine(
        vflow=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=cpu_name(),
        cores=os.cpu_count() or 1,
        usable_cores=usable,
        load=resources.load(),
        omp_num_threads=os.environ.get("OMP_NUM_THREADS", ""),
        memory_total=total,
        memory_free=free,
        memory_read_gb_s=speed,
        cache=str(models.cache_dir()),
        cache_free=_free(models.cache_dir()),
        torch=torch_build(),
    )


def audio(registry: Registry) -> list[AudioNode]:
    """Return every node that records or plays, with the devices that it may be set to use."""
    resolver = Resolver(registry)
    found = []
    for candidate in (c for role in AUDIO for c in resolver.candidates(role)):
        problem, lines = candidate.problem, list[str]()
        listing: Callable[[], list[str]] | None = None
        if not problem:
            listing = getattr(registry.load(candidate.name), "devices", None)
        try:
            lines = [str(line) for line in listing()] if listing is not None else lines
        except Unavailable as error:  # the device has just been unplugged
            problem = str(error)
        except BaseException as error:  # the node's own code may raise anything
            pass_on_ctrl_c(error)
            problem = f"its devices() raised {describe(error)}"
        found.append(AudioNode(candidate.name, problem, tuple(lines)))
    return found


def cpu_name() -> str:
    """Return the name of the processor; '' if nothing tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _free(folder: Path) -> int | None:
    """Return the bytes that are free where a folder is, or will be."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None
