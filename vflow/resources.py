"""How many cores, and how much memory, this process may use: affinity and control groups counted in.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; scheduler/sched-bwc.rst.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
_UNLIMITED = 1 << 60
"""Version 1 writes a limit of memory that is none as a number near 2**63."""


def affinity() -> int:
    """The cores on which the scheduler may run this process; all, where the system does not say."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root: Path = ROOT) -> float | None:
    """Cores' worth of time that the control groups of this process leave it; None for no limit."""
    found = []
    for folder in _groups("cpu", root):
        limit, _, period = _text(folder / "cpu.max").partition(" ")  # version 2
        if not limit:
            limit, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if limit.isdecimal() and period.isdecimal() and int(period):
            found.append(int(limit) / int(period))
    return min(found, default=None)


def usable_cores(root: Path = ROOT) -> float:
    """Cores' worth of time that this process may use."""
    limit = quota(root)
    return affinity() if limit is None else min(affinity(), limit)


def memory(root: Path = ROOT) -> tuple[int | None, int | None]:
    """Bytes of memory that this process may have in all, and that are free; None where the system does not
    say. The system's cache of files, which it gives up where memory is needed, counts as free."""
    total, free = _memory_of_machine(root)
    for folder in _groups("memory", root):
        for limit_name, usage_name, files in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, usage = _text(folder / limit_name), _text(folder / usage_name)
            if not limit.isdecimal() or not usage.isdecimal() or int(limit) >= _UNLIMITED:
                continue
            left = max(0, int(limit) - int(usage) + _entry(folder / "memory.stat", files))
            total = int(limit) if total is None else min(total, int(limit))
            free = left if free is None else min(free, left)
    return total, free


def load() -> float | None:
    """How many cores the machine's work of the last minute would fill; None where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def openmp_problem() -> str:
    """Why OpenMP, which torch computes with, passes over $OMP_NUM_THREADS; '' where it does not.

    Source: OpenMP 5.2, section 21.1.2: a list of positive integers.
    """
    asked = os.environ.get("OMP_NUM_THREADS")
    if asked is None or re.fullmatch(r"\s*0*[1-9][0-9]{0,9}\s*(,\s*0*[1-9][0-9]{0,9}\s*)*", asked):
        return ""
    return f"OMP_NUM_THREADS is {asked[:40]!r}, which is no number of threads, and has no effect"


def resident() -> int | None:
    """Bytes of memory that this process has, None where the system does not say."""
    pages = _text(ROOT / "proc/self/statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else None


def _memory_of_machine(root: Path) -> tuple[int | None, int | None]:
    total, free = (_entry(root / "proc/meminfo", name) * 1024 for name in ("MemTotal:", "MemAvailable:"))
    if total:
        return total, free
    if sys.platform == "win32":
        return _memory_of_windows()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), None
    except (ValueError, OSError):
        return None, None


def _memory_of_windows() -> tuple[int | None, int | None]:
    """Source: GlobalMemoryStatusEx and MEMORYSTATUSEX in sysinfoapi.h."""
    import ctypes  # for Windows alone, and not for free

    # dwLength and dwMemoryLoad, then seven numbers: total and free physical memory are the first two
    status = (ctypes.c_uint64 * 8)()
    status[0] = ctypes.sizeof(status)
    answered = ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(status)  # type: ignore[attr-defined, unused-ignore]
    return (status[1], status[2]) if answered else (None, None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of this process's control groups, its own first, then those around it; of both versions."""
    base = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            top = base
        elif controller in controllers.split(","):
            top = base / controller
        else:
            continue
        inner = Path(path.lstrip("/"))
        yield from (top / folder for folder in (inner, *inner.parents))


def _entry(file: Path, name: str) -> int:
    """Return the number after a name in a file of names and numbers; 0 where there is none."""
    for line in _text(file).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return 0


def _text(file: Path) -> str:
    """Return the text of a file of the system; '' where there is none."""
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
