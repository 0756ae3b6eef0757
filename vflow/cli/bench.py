"""`vflow bench`: speak to a pipeline, and compare its replies with what vflow promises."""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vflow import resources
from vflow.bench.bench_run import RECORDINGS, BenchRun, check
from vflow.bench.microphone import GIVEN_UP
from vflow.bench.scenario import PROMPTS, QUESTIONS, ScenarioStep, compose
from vflow.bench.speech import Clip, bundled, recorded, spoken
from vflow.bench.verdict import Standing
from vflow.cli import battery
from vflow.cli.arguments import TURNS
from vflow.cli.bench_report import Live, result, table
from vflow.cli.diagnostics import report as report_diagnostics
from vflow.cli.folders import refuse_unwritable
from vflow.cli.graph_options import model_caches, overrides_of
from vflow.cli.main import FAILED, INTERRUPTED, OK, USAGE
from vflow.cli.python_messages import PythonMessages
from vflow.cli.signals import DONE, SignalWaiter
from vflow.deadline import call_within
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError
from vflow.graph import shipped
from vflow.graph.file_uses import FileUse, clashes
from vflow.printing import emit, emit_json, indented
from vflow.report.report_file import why_not_writable, write_whole
from vflow.report.waterfall import waterfall

MOST_TURNS = 10_000
STOP_S, GRACE_S = 2.0, 0.1


def main(args: argparse.Namespace) -> int:
    if args.battery is not None:
        return battery.main(args)
    live = Live()
    try:
        args.file = shipped.find(args.file)
        overrides = overrides_of(args.set)
        check(args.file, overrides)
        _check_options(args)
        steps = _steps(args, live)
    except GraphError as error:
        report_diagnostics(error.diagnostics)
        return USAGE
    except VflowError as error:
        report_diagnostics([Diagnostic(str(error))])
        return USAGE
    except KeyboardInterrupt:  # while the prompts were spoken
        live.clear()
        return INTERRUPTED
    with tempfile.TemporaryDirectory(prefix="vflow-bench-") as scratch:
        folder = Path(args.keep or scratch).absolute()  # a node may change the working directory
        return _Bench(args, overrides, steps, folder, live).run()


def _check_options(args: argparse.Namespace) -> None:
    """Check the options. Raises: GraphError for a wrong one, or for a place that cannot be written to."""

    def refused(message: str, mend: str, place: str | None = None) -> GraphError:
        return GraphError([Diagnostic(message, Place(place) if place else None, mend)])

    if not 1 <= args.turns <= MOST_TURNS:
        raise refused(f"--turns {args.turns}: it must be from 1 to {MOST_TURNS:,}", f"write --turns {TURNS}")
    for option in battery.OPTIONS:
        if getattr(args, option):
            raise refused(f"--{option} is for a battery of scenes", "add --battery turns")
    if args.keep is not None:
        refuse_unwritable("--keep", args.keep)
        for file in _recordings(args.keep):
            reason = why_not_writable(file) or ("is no file" if _is_special(file) else "")
            if reason:
                raise refused(f"--keep: {reason}", "name another folder", file)
    if args.picture is not None and (reason := why_not_writable(args.picture)):
        raise refused(f"--picture: {reason}", "name another file", args.picture)
    if found := list(clashes(_files(args))):
        raise GraphError(found)


def _files(args: argparse.Namespace) -> Iterator[FileUse]:
    """Yield the files that the options name."""
    yield FileUse(args.file, "reads", "the graph")
    yield from model_caches()
    for file in args.input:
        yield FileUse(file, "reads", "--input")
    if args.picture is not None:
        yield FileUse(args.picture, "writes", "--picture", Place(args.picture))
    if args.keep is not None:
        for file in _recordings(args.keep):
            yield FileUse(file, "writes", "--keep", Place(file))


def _recordings(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in RECORDINGS]


def _is_special(file: str) -> bool:
    """Return whether the path is a pipe or a device: no recording, and opening it may wait for ever."""
    return os.path.exists(file) and not os.path.isfile(file)


def _steps(args: argparse.Namespace, live: Live) -> list[ScenarioStep]:
    """Return the scenario. If no voice is installed, it has only recordings, and a note says so.

    Raises: Unavailable for a recording that cannot be used.
    """
    questions = [recorded(file) for file in args.input or [bundled()]]
    prompts: list[Clip] = []
    if args.turns > 1:
        live.status("speaking the prompts")
        try:
            prompts = spoken(PROMPTS, fixed=True)
            questions += [] if args.input else spoken(QUESTIONS, fixed=False)
        except VflowError as error:
            reason = str(error).splitlines()[-1]
            live.note(f"the fixed prompts are left out, since nothing speaks them here: {reason}")
    return compose(args.turns, questions, prompts)


class _Bench:
    """One bench, from loading to the verdicts."""

    def __init__(
        self,
        args: argparse.Namespace,
        overrides: dict[str, str],
        steps: list[ScenarioStep],
        folder: Path,
        live: Live,
    ) -> None:
        self.args, self.steps, self.live = args, steps, live
        self._picture = os.path.abspath(args.picture) if args.picture is not None else None
        self._signals = SignalWaiter()
        self.bench_run = BenchRun(args.file, overrides, steps, folder, live.turn, self._signals.wake)
        self.bench_run.pipeline.bus.listen(live.listen)
        self._code = OK

    def run(self) -> int:
        if problem := resources.openmp_problem():
            self.live.note(f"warning: {problem}")
        for warning in self.bench_run.graph.warnings:
            self.live.note(indented(warning))
        with self._signals, PythonMessages(self.bench_run.graph.secrets.hide):
            self.live.status("loading")
            threading.Thread(target=self._play, name="vflow:bench", daemon=True).start()
            interrupted = self._signals.wait() != DONE
            self._stop()
        self.live.clear()
        if self._code == USAGE:
            return USAGE
        return self._report(interrupted)

    def _stop(self) -> None:
        """End the pipeline, whatever its nodes do. The bench fails if one had to be abandoned."""
        pipeline = self.bench_run.pipeline
        try:
            abandoned = call_within(STOP_S + GRACE_S, lambda: pipeline.stop(STOP_S), "the pipeline", "end")
        except (VflowError, TimeoutError, RuntimeError) as error:
            self.live.note(f"warning: {indented(str(error))}")
            abandoned = [""]
        if abandoned:
            self._code = self._code or FAILED

    def _play(self) -> None:
        """Start and wait in a thread of its own, so that the main thread is free for Ctrl-C."""
        started = False
        try:
            self.bench_run.pipeline.start()
            started = True
            self.bench_run.pipeline.wait(deadline_s=STOP_S)
        except VflowError as error:
            self._code = USAGE if not started and isinstance(error.__cause__, Unavailable) else FAILED
            self.live.failed(error)
        except (RuntimeError, OSError) as error:  # the system has no more threads or descriptors
            self._code = FAILED
            self.live.note(f"error: {error}")
        finally:
            self._signals.wake()

    def _report(self, interrupted: bool) -> int:
        bench_run = self.bench_run
        try:
            bench_run.refine()
        except (OSError, RuntimeError) as error:  # libsndfile's errors are RuntimeErrors
            self.live.note(f"latencies are the runtime's own, the recording cannot be read: {error}")
        whole = all(u.settled for u in bench_run.script.utterances)
        complete = whole and len(bench_run.script.utterances) == len(bench_run.steps) and self._code == OK
        found = result(bench_run, complete=complete and not interrupted)
        verdicts = bench_run.verdicts()
        if bench_run.script.given_up == GIVEN_UP:
            self.live.note(f"{GIVEN_UP} utterances in a row got no reply: the scenario was ended")
        if self.args.json:
            emit_json(found)
        else:
            emit("\n".join(table(found, verdicts)))
        if self._picture is not None:
            self._draw(self._picture, found)
        if interrupted:
            return INTERRUPTED
        broken = any(verdict.standing is Standing.BROKEN for verdict in verdicts)
        return FAILED if broken or not complete else self._code

    def _draw(self, picture: str, found: dict[str, Any]) -> None:
        said = {step["turn"]: step["said"] for step in found["scenario"] if step["turn"] is not None}
        try:
            write_whole(picture, waterfall(found["pipeline"], found["turns"], said))
        except OSError as error:
            self.live.note(f"the picture cannot be written: {error}")
            self._code = self._code or FAILED
