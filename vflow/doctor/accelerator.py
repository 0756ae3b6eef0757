"""The installed build of torch, and the NVIDIA devices of this machine, with or without torch."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from vflow.doctor.bandwidth import cuda_gb_s

MIB = 1 << 20
TELLING = (
    "avx2",
    "avx512_f",
    "avx512_bf16",
    "avx512_vnni",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "bf16",
    "i8mm",
    "sve",
)
"""Abilities of a CPU that decide a model's speed, as torch names them."""
ANSWER_S = 10.0
"""Longest wait for the driver's tool."""


@dataclass(frozen=True, slots=True)
class Torch:
    """`build` is `cpu`, `cuda 12.8` or `rocm 6.2`; `threads` is the number that torch chose itself. `problem`
    says why torch cannot be imported; then all else is empty."""

    version: str = ""
    build: str = ""
    blas: str = ""
    capabilities: tuple[str, ...] = ()
    threads: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """An NVIDIA device; sizes in bytes. `usable`: torch runs on it. `read_gb_s` is measured."""

    name: str
    memory_total: int
    memory_free: int
    driver: str
    usable: bool
    read_gb_s: float | None = None


def torch_build() -> Torch | None:
    """Describe torch; None if it is not installed. Imports it, which takes seconds."""
    if importlib.util.find_spec("torch") is None:
        return None
    try:
        import torch  # an extra, and it may be broken
    except Exception as error:  # a broken library may raise anything at import
        return Torch(problem=f"{type(error).__name__}: {error}")
    hip, cuda = torch.version.hip, torch.version.cuda
    build = f"rocm {hip}" if hip else f"cuda {cuda}" if cuda else "cpu"
    shown = torch.__config__.show()
    blas = shown.partition("BLAS_INFO=")[2].partition(",")[0].strip()
    # older versions of torch do not tell
    able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    capabilities = tuple(name for name in TELLING if able.get(name) is True)
    return Torch(torch.__version__, build, blas, capabilities, torch.get_num_threads())


def devices(build: Torch | None, measure: bool) -> list[CudaDevice]:
    """Return the devices that torch runs on; with `measure`, each is measured for a second. If it runs on
    none, return the devices that the driver names."""
    named = _named_by_driver()
    if build is None or build.problem:
        return named
    import torch  # `torch_build` has imported it

    if not torch.cuda.is_available():
        return named
    driver = named[0].driver if named else ""
    found = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        speed = cuda_gb_s(index) if measure else None
        found.append(CudaDevice(torch.cuda.get_device_name(index), total, free, driver, True, speed))
    return found


def _named_by_driver() -> list[CudaDevice]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = "--query-gpu=name,memory.total,memory.free,driver_version"
    try:
        done = subprocess.run(
            [tool, query, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=ANSWER_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = []
    for line in done.stdout.splitlines() if done.returncode == 0 else ():
        match [word.strip() for word in line.split(",")]:
            case [name, total, free, driver] if total.isdecimal() and free.isdecimal():
                found.append(CudaDevice(name, int(total) * MIB, int(free) * MIB, driver, False))
    return found
