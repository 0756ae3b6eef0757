"""`vflow run`: run a graph until it ends or Ctrl-C; transcript and words live, latencies at the end."""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path

from vflow.cli import graph_options
from vflow.cli.diagnostics import report as report_diagnostics
from vflow.cli.live_view import Terminal
from vflow.cli.main import FAILED, INTERRUPTED, OK, USAGE
from vflow.cli.signals import DONE, SignalWaiter
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError
from vflow.graph.graph import Graph
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline

DRAIN_S, STOP_S = 3.2, 1.0
"""Together they end a run within 5 s of Ctrl-C, whatever a node does."""


def main(args: argparse.Namespace) -> int:
    try:
        graph = graph_options.load(args)
        _check_files(args)
    except GraphError as error:
        report_diagnostics(error.diagnostics)
        return USAGE
    return _Run(graph, args).run()


def _check_files(args: argparse.Namespace) -> None:
    """Raises: GraphError where an output could not be written, or would overwrite what is read."""
    for option, name in (("--output", args.output), ("--report", args.report)):
        if not name:
            continue
        path, message = Path(name), ""
        if not path.absolute().parent.is_dir():
            message = f"the folder {path.absolute().parent} does not exist"
        elif path.is_dir():
            message = "is a folder"
        elif any(
            other and Path(other).exists() and path.exists() and path.samefile(other)
            for other in (args.file, args.input)
        ):
            message = "would overwrite what the run reads"
        elif name == args.report and name == args.output:
            message = "is the output already"
        if message:
            raise GraphError([Diagnostic(f"{option}: {message}", Place(name), "name another file")])


class _Run:
    """One run, from loading to the report."""

    def __init__(self, graph: Graph, args: argparse.Namespace) -> None:
        self.args, self.graph = args, graph
        self.log = TurnLog(graph)
        self.pipeline = Pipeline(graph)
        self.pipeline.bus.listen(self.log.listen)
        self.terminal = Terminal(graph, self.log, live=not (args.input and args.output))
        self._signals = SignalWaiter()
        self._code = FAILED
        self._ending = False
        self._printer = threading.Thread(
            target=self.terminal.follow, args=(self.pipeline.bus,), name="vflow:terminal", daemon=True
        )

    def run(self) -> int:
        with self._signals:
            self._printer.start()
            self.terminal.resolved()
            self.terminal.note("loading")
            threading.Thread(target=self._play, name="vflow:run", daemon=True).start()
            code = self._supervise()
        self._printer.join(timeout=1.0)
        self.terminal.end_line()
        return code if code == USAGE else self._finish(code)

    def _play(self) -> None:
        """Start and wait, in a thread of its own, so that the main thread is free for Ctrl-C."""
        started = False
        try:
            self.pipeline.start()
            started = True
            self.pipeline.wait(deadline_s=DRAIN_S)
            self._code = OK
        except VflowError as error:
            self._code = FAILED if started or not _is_missing(error) else USAGE
            if not self._ending:
                self.terminal.failed(error)
        except (RuntimeError, OSError) as error:  # no more threads or descriptors: the system's word
            self.terminal.note(f"error: {error}")
        finally:
            self._signals.wake()

    def _supervise(self) -> int:
        """Wait for the end, or end it: drain at the first interrupt, stop at the second; the exit code."""
        if self._signals.wait() == DONE:
            return self._code
        if self.pipeline.state.value != "playing":
            self.terminal.note("stopping")
            self._ending = True
            self.pipeline.stop(STOP_S)
            return OK
        self.terminal.note("draining: what was begun is played to its end; Ctrl-C again stops at once")
        self.pipeline.drain()
        came = self._signals.wait(DRAIN_S)
        self._ending = True
        if came == DONE:
            self.pipeline.stop(STOP_S)
            return self._code
        self.pipeline.flush()  # so that what was heard of a reply that is cut here is known
        self.pipeline.stop(STOP_S)
        return OK if came is None else INTERRUPTED

    def _finish(self, code: int) -> int:
        """The table and the report of what was run; the exit code."""
        given = self.args.input, self.args.output
        recorded = [Path(path) if path and Path(path).is_file() else None for path in given]
        try:
            self.log.refine(*recorded)
        except (OSError, RuntimeError) as error:  # libsndfile's errors are RuntimeErrors
            self.terminal.note(f"latencies are the runtime's own, the recording cannot be read: {error}")
        self.terminal.table()
        if self.args.report:
            report = self.log.report(self.pipeline.stats())
            try:
                Path(self.args.report).write_text(json.dumps(report, indent=1) + "\n")
            except OSError as error:
                self.terminal.note(f"the report cannot be written: {error}")
                return code or FAILED
        return code


def _is_missing(error: BaseException) -> bool:
    """Whether a node could not be opened because something is not there: the user's to mend."""
    return isinstance(error.__cause__, Unavailable)
