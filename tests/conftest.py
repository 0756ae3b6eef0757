"""In CI a skipped test is a failure: what is not run proves nothing. Only a missing GPU excuses one."""

from __future__ import annotations

import importlib.util
import os

import pytest

from vflow_nodes.generator.voxtral.cuda import cuda_problem

EXCUSE = "CUDA"


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


if cuda_problem() and importlib.util.find_spec("triton") is not None:
    _interpret_triton()


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
    return [r for r in reporter.stats.get("skipped", []) if EXCUSE not in str(r.longrepr)]
