"""How many cores and how much memory this process may use, given its affinity and its control groups.

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
"""Least number that means no limit: version 1 writes "no limit" of memory as a number near 2**63."""


def affinity() -> int:
    """Return the cores on which the scheduler may run this process; all, if the system does not say."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root: Path = ROOT) -> float | None:
    """Return how many cores' worth of time this process's control groups leave it; None for no limit."""
    found = []
    for folder in _groups("cpu", root):
        limit, _, period = _text(folder / "cpu.max").partition(" ")  # version 2
        if not limit:
            limit, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if limit.isdecimal() and period.isdecimal() and int(period):
            found.append(int(limit) / int(period))
    return min(found, default=None)


def usable_cores(root: Path = ROOT) -> float:
    """Return how many cores' worth of time this process may use."""
    limit = quota(root)
    return affinity() if limit is None else min(affinity(), limit)


def memory(root: Path = ROOT) -> tuple[int | None, int | None]:
    """Return the bytes of memory that this process may have in all, and how many of them are free; None if
    the system does not say. The system's file cache, which it gives up when memory is needed, counts as
    free."""
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
    """Return how many cores the work of the last minute would fill; None if the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def openmp_problem() -> str:
    """Return why OpenMP, which torch computes with, ignores $OMP_NUM_THREADS; '' if it does not.

    Source: OpenMP 5.2, section 21.1.2: a list of positive integers.
    """
    asked = os.environ.get("OMP_NUM_THREADS")
    if asked is None or re.fullmatch(r"\s*0*[1-9][0-9]{0,9}\s*(,\s*0*[1-9][0-9]{0,9}\s*)*", asked):
        return ""
    return f"OMP_NUM_THREADS is {asked[:40]!r}, which is no number of threads, and has no effect"


def resident() -> int | None:
    """Return the bytes of memory that this process has; None if the system does not say."""
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
    """Ask Windows. Source: GlobalMemoryStatusEx and MEMORYSTATUSEX in sysinfoapi.h."""
    import ctypes  # needed on Windows only, and slow to import

    # dwLength and dwMemoryLoad, then seven numbers: total and free physical memory are the first two
    status = (ctypes.c_uint64 * 8)()
    status[0] = ctypes.sizeof(status)
    answered = ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(status)  # type: ignore[attr-defined, unused-ignore]
    return (status[1], status[2]) if answered else (None, None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups, its own first, of both versions."""
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
    """Return the number after a name in a file of names and numbers; 0 if there is none."""
    for line in _text(file).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return 0


def _text(file: Path) -> str:
    """Return the text of a system file; '' if there is none."""
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
