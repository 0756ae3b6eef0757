"""Record the findings of a part: figures with their targets, checks and failures; write each to disk."""

from __future__ import annotations

import gc
import json
import os
import platform
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import transformers
from peers.rounds import Figure


class Skip(Exception):
    """Raised if a measurement is not possible here; the message says why."""


@dataclass
class Record:
    """One part's results. Measurements that would begin later than `limit_s` are skipped. With `path` the
    file is rewritten after each entry."""

    part: str
    about: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    limit_s: float = 480.0
    targets: dict[str, Figure] = field(default_factory=dict)
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.began

    @property
    def good(self) -> bool:
        """Whether no check and no measurement failed."""
        return not self.failures and all(check["passed"] for check in self.checks.values())

    def say(self, text: str) -> None:
        """Print a line of progress."""
        print(f"[{self.part} {self.elapsed_s:6.1f} s] {text}", flush=True)

    def attempt(self, name: str, work: Callable[[], None]) -> None:
        """Run a measurement. If it fails, note the error under `name`, so that the others go on."""
        if self.elapsed_s > self.limit_s:
            self.skipped[name] = f"the part's {self.limit_s:g} s were over; set --limit higher"
            self.say(f"{name}: skipped, out of time")
        else:
            self.say(name)
            try:
                work()
            except Skip as reason:
                self.skipped[name] = str(reason)
                self.say(f"{name}: skipped: {reason}")
            except Exception as error:  # whatever one measurement raises, go on with the others
                reason = str(error).strip().partition("\n")[0]
                self.failures[name] = f"{type(error).__name__}: {reason}"
                self.say(f"{name}: FAILED: {self.failures[name]}")
                traceback.print_exc()
        free()
        self.write()

    def figure(
        self, name: str, what: str, value: float, target: float, unit: str = "", *, at_least: bool = False
    ) -> None:
        """Record a value with its target."""
        made = self.targets[name] = Figure(what, value, target, unit, at_least)
        sign = ">=" if at_least else "<="
        self.say(f"  {what}: {value:.4g} {unit} ({sign} {target:g}: {'met' if made.met else 'MISSED'})")
        self.write()

    def note(self, name: str, value: Any) -> None:
        """Record a value without a target."""
        self.detail[name] = value
        self.say(f"  {name}: {_shown(value)}")
        self.write()

    def check(self, name: str, passed: bool, **values: Any) -> None:
        """Record whether a check passed, with the values that decided it."""
        self.checks[name] = {"passed": bool(passed), **values}
        self.say(f"  {'pass' if passed else 'FAIL'}  {name}  {_shown(values)}")
        self.write()

    def result(self) -> dict[str, Any]:
        targets = {name: {**asdict(figure), "met": figure.met} for name, figure in self.targets.items()}
        return {
            "part": self.part,
            **self.about,
            "elapsed_s": round(self.elapsed_s, 1),
            "targets": targets,
            "checks": self.checks,
            "detail": self.detail,
            "failures": self.failures,
            "skipped": self.skipped,
        }

    def write(self) -> None:
        if self.path is None:
            return
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(json.dumps(rounded(self.result()), indent=1) + "\n")
        os.replace(new, self.path)


def rounded(value: Any) -> Any:
    """Return a value with all floats in it rounded to five digits."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _shown(value: Any) -> str:
    text = json.dumps(rounded(value)).replace('"', "")
    return text if len(text) < 160 else text[:157] + "..."


def about(device: torch.device, **more: Any) -> dict[str, Any]:
    """Return the machine, the versions and the date."""
    machine: dict[str, Any] = {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    }
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions |= {"transformers": transformers.__version__, "cuda": torch.version.cuda}
    try:
        import triton

        versions["triton"] = triton.__version__
    except ImportError:
        versions["triton"] = None
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"date": date, "machine": machine, "versions": versions, **more}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def free() -> None:
    """Free all memory that is no longer used."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def percentiles(values: list[float], *percents: float) -> dict[str, float]:
    """Return `{"p50": ...}`, the nearest-rank percentiles, with n and the maximum."""
    ordered = sorted(values)
    found: dict[str, float] = {"n": len(ordered)}
    for percent in percents:
        if ordered:
            found[f"p{percent:g}"] = ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
    if ordered:
        found["max"] = ordered[-1]
    return found
