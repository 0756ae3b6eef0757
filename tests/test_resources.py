"""Cores and memory of a process: control groups of both versions, read from files as Linux has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from vflow import resources

GIB = 1 << 30
MEMINFO = f"MemTotal: {64 << 20} kB\nMemFree: 1 kB\nMemAvailable: {32 << 20} kB\n"


def system(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "cores_left"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (  # the group around it leaves less
            {
                "proc/self/cgroup": "0::/a/b",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000",
                "sys/fs/cgroup/a/cpu.max": "50000 100000",
            },
            0.5,
        ),
        (  # version 1, seen from inside a container: the group's path is not there
            {
                "proc/self/cgroup": "4:cpuset:/x\n2:cpuacct,cpu:/docker/1\n0::/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            None,
        ),
    ],
)
def test_the_smallest_quota_of_a_process_counts(
    tmp_path: Path, files: dict[str, str], cores_left: float | None
) -> None:
    root = system(tmp_path, files)
    assert resources.quota(root) == cores_left
    assert resources.usable_cores(root) == min(resources.affinity(), cores_left or resources.affinity())


@pytest.mark.parametrize(
    ("files", "total", "free"),
    [
        ({}, 64 * GIB, 32 * GIB),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": str(8 * GIB),
                "sys/fs/cgroup/memory.current": str(3 * GIB),
                "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {GIB}\n",
            },
            8 * GIB,
            6 * GIB,
        ),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, 64 * GIB, 32 * GIB),
        (
            {
                "proc/self/cgroup": "3:memory:/",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "5",
            },
            64 * GIB,
            32 * GIB,
        ),
    ],
)
def test_memory_is_limited_by_control_groups(
    tmp_path: Path, files: dict[str, str], total: int, free: int
) -> None:
    root = system(tmp_path, {"proc/meminfo": MEMINFO, **files})
    assert resources.memory(root) == (total, free)


def test_without_proc_other_figures_are_still_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert resources.affinity() == os.cpu_count()
    assert resources.quota(tmp_path) is None
    total, free = resources.memory(tmp_path)
    assert total is not None
    assert total > 0
    assert free is None


def test_this_process_is_found() -> None:
    assert 0 < resources.usable_cores() <= (os.cpu_count() or 1)
    assert (resources.resident() or 0) > 1 << 20


@pytest.mark.parametrize("asked", [None, "1", "64", "4,2", " 3 , 1 ", "007"])
def test_a_number_of_openmp_threads_is_no_problem(monkeypatch: pytest.MonkeyPatch, asked: str | None) -> None:
    if asked is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert resources.openmp_problem() == ""


@pytest.mark.parametrize("asked", ["many", "", "0", "-1", "1.5", "4,", "9" * 5000, "\x1b[2J"])
def test_openmp_threads_that_are_no_number_are_told(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    said = resources.openmp_problem()
    assert said.startswith("OMP_NUM_THREADS is '")
    assert said.endswith("which is no number of threads, and has no effect")
    assert said.isprintable()
    assert len(said) < 120
