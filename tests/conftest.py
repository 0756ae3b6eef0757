"""In CI a skipped test is a failure: what is not run proves nothing. Only a missing GPU excuses one."""

from __future__ import annotations

import os

import pytest

EXCUSE = "CUDA"


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
