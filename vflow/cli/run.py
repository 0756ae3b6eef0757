"""`vflow run`: run a graph until it ends or Ctrl-C, and show what is said as it is said."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vflow import resources
from vflow.cli import graph_options, losses, run_files, run_spans, run_watch
from vflow.cli.diagnostics import report as report_diagnostics
from vflow.cli.json_lines import JsonLines, alone_on_stdout
from vflow.cli.keyboard import Keyboard
from vflow.cli.live_view import Detail, Terminal
from vflow.cli.main import FAILED, INTERRUPTED, OK, USAGE
from vflow.cli.python_messages import PythonMessages
from vflow.cli.run_files import RunFiles
from vflow.cli.run_results import RunResults
from vflow.cli.signals import DONE, SignalWaiter
from vflow.deadline import call_within
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError
from vflow.graph import shipped
from vflow.graph.file_uses import FileUse, clashes
from vflow.graph.graph import Graph
from vflow.printing import indented
from vflow.report import growth
from vflow.report.failed_turns import FailedTurns
from vflow.report.turn_log import TurnLog
from vflow.runtime.lifecycle import State
from vflow.runtime.pipeline import Pipeline
from vflow.runtime.trace import Trace
from vflow.session.ends import TYPED

T = TypeVar("T")
DRAIN_S, FLUSH_S, STOP_S, PRINT_S = 3.0, 0.5, 1.0, 0.3
GRACE_S = 0.1
"""Together these end a run within 5 s of Ctrl-C, whatever a node does."""


def main(args: argparse.Namespace) -> int:
    try:
        with run_files.standard_input(args.input) as stdin:
            args.file = shipped.find(args.file)
            runs = run_files.find_runs(args.input, args.output, args.report, stdin)
            run_files.check(args.file, runs)
            if args.trace is not None and len(runs) > 1:
                mend = "give one --input"
                raise GraphError([Diagnostic("a trace is of one run", Place("--trace"), mend)])
            run_watch.check(args, len(runs))
            return _all(args, runs)
    except GraphError as error:
        report_diagnostics(error.diagnostics)
        return USAGE


def _all(args: argparse.Namespace, runs: list[RunFiles]) -> int:
    """Run one after the other. Return the first exit code that is not 0. Raises: GraphError, before the first
    run, if one of them is impossible."""
    with contextlib.ExitStack() as stack:
        spans = stack.enter_context(run_spans.wanted(args))
        if args.json:
            args.stream = stack.enter_context(alone_on_stdout())
        runs = [stack.enter_context(run_files.encoded(run)) for run in runs]
        graphs = [_load(args, run) for run in runs]
        codes = []
        for run, graph in zip(runs, graphs, strict=True):
            one = _Run(graph, _arguments(args, run), run, spans)
            codes.append(one.run())
            if INTERRUPTED in codes:
                return INTERRUPTED
            if one.signals.came:
                codes += [INTERRUPTED] * (run is not runs[-1])
                break
    return next(filter(None, codes), OK)


def _arguments(args: argparse.Namespace, run: RunFiles) -> argparse.Namespace:
    """Return the arguments of one run."""
    own = {"input": run.input, "output": run.recording, "report": run.report}
    return argparse.Namespace(**{**vars(args), **own})


def _load(args: argparse.Namespace, run: RunFiles) -> Graph:
    """Return the graph of one run. Raises: GraphError, also if the report would overwrite a file that a node
    reads or writes, or a node a model."""
    graph = graph_options.load(_arguments(args, run))
    uses = [*graph.files, *graph_options.model_caches()]
    if args.trace is not None:
        uses.append(FileUse(args.trace, "writes", "--trace", Place(args.trace)))
    if run.report is not None:
        uses.append(FileUse(run.report, "writes", "--report", Place(run.report)))
    if found := list(clashes(uses)):
        raise GraphError(found)
    return graph


class _Run:
    """One run, from loading to the report."""

    def __init__(
        self, graph: Graph, args: argparse.Namespace, files: RunFiles, spans: run_spans.RunSpans
    ) -> None:
        self.args, self.graph, self._files = args, graph, files
        # absolute from here on: a node may change the working directory
        paced = None if args.fast else args.input
        self._recordings = [Path(file).absolute() if file else None for file in (paced, args.output)]
        self._results = RunResults(args)
        self._trace = Trace()
        self.log, self._failed_turns = TurnLog(graph), FailedTurns()
        self.pipeline = Pipeline(run_watch.watchable(args, graph, self._trace))
        self.pipeline.bus.listen(self._trace.listen)
        self.pipeline.bus.listen(self.log.listen)
        self.pipeline.bus.listen(self._failed_turns.listen)
        self._spans = spans
        spans.follow(self.pipeline, self.log, any(self._recordings))
        live = not (args.input and args.output) and not args.json  # `live`: tell of turns as they end
        self.json = JsonLines(graph, self.log, args.stream) if args.json else None
        self.terminal = Terminal(graph, self.log, live, _detail(args), transcript=not args.json)
        spans.tell = self.terminal.note
        self.keyboard: Keyboard | None = None
        self.signals = SignalWaiter()
        self._code = FAILED
        self._ending = self._told = False
        self._failed = False  # whether the run failed before a signal came
        self._player = threading.Thread(target=self._play, name="vflow:run", daemon=True)
        self._printer = threading.Thread(
            target=self.terminal.follow,
            args=(self.pipeline.bus, self.json.tell if self.json else None),
            name="vflow:terminal",
            daemon=True,
        )

    def _type(self) -> None:
        """Let the user type as soon as the pipeline plays. Raises: Unavailable."""
        typed = next(n for n, node in self.graph.nodes.items() if node.resolved == TYPED)
        self.keyboard = Keyboard(self.pipeline.nodes[typed], self.log, self.terminal.note)
        self.pipeline.bus.listen(self.keyboard.listen)
        self.terminal.typed = self.keyboard.at_terminal

    def _end_typing(self) -> None:
        if self.keyboard is not None:
            self.terminal.typed = False
            self.keyboard.close()

    def run(self) -> int:
        with self.signals, PythonMessages(self.graph.secrets.hide):
            try:
                if self.args.text:
                    self._type()
            except Unavailable as error:
                report_diagnostics([Diagnostic(str(error), Place("--text"))])
                return USAGE
            if self._files.title:
                self.terminal.note(self._files.title)
                if self.json is not None:
                    self.json.begin(self.args.input)
            if problem := resources.openmp_problem():
                self.terminal.note(f"warning: {problem}")
            self.terminal.resolved()
            if self.json is not None:
                self.json.warn_of_graph()
            self.terminal.note("loading")
            with (
                run_watch.watched(self.args, self.pipeline, self.log, self.terminal.error),
                growth.watched(self.pipeline),
            ):
                self._printer.start()  # it ends with the pipeline
                self._player.start()
                code = self._supervise()
            self.signals.raises = True
            self._end_typing()
            self._printer.join(timeout=PRINT_S)
            self.terminal.end_line()
            if code != USAGE:
                code = self._finish(code)
                if signal.SIGINT in self.signals.came and not self._failed:
                    code = INTERRUPTED
            if self.json is not None:
                self.json.end(code, dropped_ms=losses.dropped_ms(self.graph, self.pipeline.stats()))
        return code

    def _play(self) -> None:
        """Start and wait in a thread of its own, so that the main thread is free for Ctrl-C."""
        started = False
        try:
            self.pipeline.start()
            started = True
            if self.keyboard is not None:
                self.keyboard.start()
            self.pipeline.wait(deadline_s=DRAIN_S)
            self._code = FAILED if self.pipeline.stop(0) else OK  # it returns the abandoned nodes
        except VflowError as error:
            self._code = FAILED if started or not _is_missing(error) else USAGE
            if not self._ending:
                self._tell(error)
        except (RuntimeError, OSError) as error:  # the system has no more threads or descriptors
            self.terminal.error(f"error: {error}")
        finally:
            self.signals.wake()

    def _supervise(self) -> int:
        """Wait for the end, or cause it: drain at the first signal, stop at the second. Return the exit code,
        which does not count Ctrl-C yet."""
        came = self.signals.wait()
        if came == DONE or self.pipeline.state is State.STOPPED:  # it has ended by itself
            self._player.join(DRAIN_S)
            self._failed = self._code != OK
            return self._code
        self._failed = self.pipeline.failure is not None
        self._end_typing()
        if self.pipeline.state is not State.PLAYING:
            self.terminal.note("stopping")
            self.terminal.hush()  # a node that loads has to be abandoned: no warning about it is due
            code = self._stop()
            return code if self._failed else INTERRUPTED
        self.terminal.note("ending: what was begun is played to its end; Ctrl-C again stops at once")
        self.pipeline.drain()
        came = self.signals.wait(DRAIN_S)
        if came == DONE:
            code = self._stop()
            return self._code or code
        self._ending = True
        # a flush first, so that the history knows how much of the cut reply was heard
        self._within(FLUSH_S, self.pipeline.flush, "the sinks")
        code = self._stop()
        return code if came is None else INTERRUPTED

    def _stop(self) -> int:
        """Stop at once. Return 0; 1 if a node had failed before or had to be abandoned; 130 if another
        interrupt came meanwhile."""
        self._ending, failed = True, self.pipeline.failure
        if failed is not None and not self._told:
            self._tell(failed)
        abandoned = self._within(STOP_S, lambda: self.pipeline.stop(STOP_S), "the pipeline")
        while (came := self.signals.wait(0)) is not None:
            if came != DONE:
                return INTERRUPTED
        return OK if abandoned == [] and failed is None else FAILED

    def _tell(self, error: VflowError) -> None:
        self._told = True
        self.terminal.failed(error)
        if self.json is not None:
            self.json.failed(getattr(error, "node", ""), str(error))

    def _within(self, deadline_s: float, call: Callable[[], T], name: str) -> T | None:
        """Return the result of a call into the pipeline; None, and a warning, if it fails or a node hangs."""
        try:
            return call_within(deadline_s + GRACE_S, call, name, "end")
        except (VflowError, TimeoutError, RuntimeError) as error:
            self.terminal.note(f"warning: {indented(str(error))}")
            return None

    def _finish(self, code: int) -> int:
        """Print the table and write the report of the run. Return the exit code."""
        try:
            self.log.refine(*(path if path and path.is_file() else None for path in self._recordings))
        except (OSError, RuntimeError) as error:  # libsndfile's errors are RuntimeErrors
            self.terminal.note(f"latencies are the runtime's own, the recording cannot be read: {error}")
        self._spans.end(hurry=bool(self.signals.came))
        self.terminal.summary()
        links, threads = self.pipeline.stats(), self.pipeline.call_stats()
        if not self._results.write(self.terminal, self.log, links, threads, self._trace):
            code = code or FAILED
        if loss := losses.lost(self.graph, links, threads):
            self.terminal.note(loss)
        if failed := self._failed_turns.verdict(self.log.snapshot()):
            self.terminal.error(indented(failed))
            if self.json is not None:
                self.json.failed("", failed)
            code = code or FAILED
        return code


def _detail(args: argparse.Namespace) -> Detail:
    if args.quiet:
        return Detail.QUIET
    return Detail.VERBOSE if args.verbose else Detail.PLAIN


def _is_missing(error: BaseException) -> bool:
    """Return whether a node could not be opened because something is missing, which the user can mend."""
    return isinstance(error.__cause__, Unavailable)
