"""Fail skipped tests in CI, where they would prove nothing; only a missing GPU excuses one."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import pytest

from vflow.resources import affinity
from vflow_nodes.generator.voxtral.libraries import cuda_problem

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling

EXCUSE = "CUDA"

TOGETHER = {
    # in real time: two that speak and listen at once would be late
    "tests/devices/": "real time",
    "tests/pipelines/test_voice_agent.py": "real time",
    "tests/pipelines/test_voxtral_agent.py": "real time",
    "tests/pipelines/test_others.py": "real time",
    # one browser, and recordings that are heard in real time
    "tests/web/test_page.py": "page",
    "tests/web/test_page_": "page",
    # each of these has a model, or a run, that all of its tests use
    "tests/nodes/chat/test_chat.py": "chat",
    "tests/benchmarks/test_decode.py": "decode benchmark",
    # on one core: two that were there at once would wait for one another
    "tests/properties/test_conversations.py": "conversations",
}
"""By the beginning of their names, the tests of which one worker runs all of a group, one by one."""


def _interpret_triton() -> None:
    """Have Triton's functions, and the kernels, run in its interpreter. That is decided when they are
    imported, which transformers does too: so here, before any test."""
    before = os.environ.get("TRITON_INTERPRET")
    os.environ["TRITON_INTERPRET"] = "1"
    try:
        importlib.import_module("triton.language")
    finally:
        del os.environ["TRITON_INTERPRET"]
        if before is not None:
            os.environ["TRITON_INTERPRET"] = before


if "PYTEST_XDIST_WORKER" in os.environ:
    # OpenMP's threads spin while they wait for one another. Beside another worker each such wait takes the
    # other's core: tests of many small products took ten times as long. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # and one thread each: the workers are more than the cores (4:19 in place of 5:00 on two of them)
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if cuda_problem() and importlib.util.find_spec("triton") is not None:
    _interpret_triton()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since the one with the tests in real time mostly waits; at most four,
    since each takes 2 GB and that group is the longest."""
    return min(4, affinity() + 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """With --dist=loadgroup, hand out the tests one by one, but for those of a group. The largest groups come
    first. By name, since xdist 3.8 does not see its own marks under pytest 9.2."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((group for name, group in TOGETHER.items() if nodeid.startswith(name)), nodeid)

    return Grouped(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in _unexcused(terminalreporter):
        terminalreporter.write_line(f"SKIPPED IN CI: {report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter is not None and _unexcused(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unexcused(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    if not os.environ.get("CI"):
        return []
    return [r for r in reporter.stats.get("skipped", []) if EXCUSE not in _reason(r)]


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, without the path of its file."""
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
