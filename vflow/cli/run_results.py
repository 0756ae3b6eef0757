"""The files of a run's results: the report, and the trace."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict

from vflow.cli.live_view import Terminal
from vflow.printing import indented
from vflow.report.report_file import write_report
from vflow.report.trace_file import write_trace
from vflow.report.turn_log import TurnLog
from vflow.runtime.call_times import CallStats
from vflow.runtime.link import LinkStats
from vflow.runtime.trace import Trace


class RunResults:
    """Made before the run: a node may change the working directory."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._report_name, self._trace_name = args.report, args.trace
        self._report, self._trace = (
            None if file is None else os.path.abspath(file) for file in (args.report, args.trace)
        )

    def write(
        self,
        terminal: Terminal,
        log: TurnLog,
        links: list[LinkStats],
        threads: Sequence[CallStats],
        trace: Trace,
    ) -> bool:
        """Write the files that were asked for. Return whether all could be written; the terminal tells which
        could not."""
        written = True
        if self._report is not None:
            report = {**log.report(links), "threads": [asdict(thread) for thread in threads]}
            for loss in log.losses:
                terminal.note(f"warning: {indented(loss)}")
            try:
                write_report(self._report, report)
            except OSError as error:
                terminal.error(
                    f"the report cannot be written: {self._report_name}: {error.strerror or error}"
                )
                written = False
        if self._trace is not None:
            try:
                write_trace(self._trace, trace.events())
            except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
                reason = getattr(error, "strerror", None) or error
                terminal.error(f"the trace cannot be written: {self._trace_name}: {reason}")
                written = False
        return written
