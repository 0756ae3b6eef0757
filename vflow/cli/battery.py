"""`vflow bench --battery turns`: play scenes of turn-taking, and hold their verdicts against a baseline."""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from vflow.bench.battery.battery_run import BatteryRun, SceneResult
from vflow.bench.battery.manifest import NAME, folder_scenes
from vflow.bench.battery.scene import Scene
from vflow.bench.battery.shares import Share, baseline_of, read_baseline, shares, worse
from vflow.bench.battery.voiced import scenes
from vflow.bench.bench_run import check
from vflow.bench.evidence import WATCHDOG
from vflow.bus import Message
from vflow.cli.arguments import TURNS
from vflow.cli.battery_report import result, table
from vflow.cli.bench_report import Live
from vflow.cli.diagnostics import report as report_diagnostics
from vflow.cli.folders import refuse_unwritable
from vflow.cli.graph_options import model_caches, overrides_of
from vflow.cli.main import FAILED, INTERRUPTED, OK, USAGE
from vflow.cli.python_messages import PythonMessages
from vflow.cli.signals import DONE, SignalWaiter
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError
from vflow.graph import shipped
from vflow.graph.file_uses import FileUse, clashes
from vflow.printing import emit, emit_json, indented
from vflow.report.report_file import why_not_writable, write_whole

OPTIONS = ("scenes", "output", "save", "baseline", "fast")
"""The options of `bench` that are for a battery alone."""
OTHERS = ("input", "picture", "keep")
"""Those that mean nothing for it, beside `turns`."""
STOP_S = 5.0
"""Longest wait, after Ctrl-C, for the scene that plays."""


def main(args: argparse.Namespace) -> int:
    live = Live()
    try:
        args.file = shipped.find(args.file)
        overrides = overrides_of(args.set)
        check(args.file, overrides)
        _check_options(args)
        baseline = read_baseline(args.baseline, args.fast) if args.baseline is not None else {}
        live.status("reading the scenes" if args.scenes else "speaking the scenes")
        played = folder_scenes(args.scenes) if args.scenes else scenes()
    except GraphError as error:
        report_diagnostics(error.diagnostics)
        return USAGE
    except VflowError as error:
        report_diagnostics([Diagnostic(str(error), mend="or name your own: --scenes FOLDER")])
        return USAGE
    except KeyboardInterrupt:  # while the scenes were spoken
        live.clear()
        return INTERRUPTED
    with tempfile.TemporaryDirectory(prefix="vflow-battery-") as scratch:
        folder = Path(args.output or scratch).absolute()  # a node may change the working directory
        return _Battery(args, overrides, played, baseline, folder, live).run()


def _check_options(args: argparse.Namespace) -> None:
    """Raises: GraphError for an option that means nothing here, or a place that cannot be written to."""
    for option in OTHERS:
        if getattr(args, option):
            raise GraphError([Diagnostic(f"--{option} means nothing for a battery", mend="leave it out")])
    if args.turns != TURNS:
        raise GraphError([Diagnostic("--turns means nothing for a battery", mend="leave it out")])
    if args.output is not None:
        refuse_unwritable("--output", args.output)
    if args.save is not None and (reason := why_not_writable(args.save)):
        raise GraphError([Diagnostic(f"--save: {reason}", Place(args.save), "name another file")])
    if found := list(clashes(_files(args))):
        raise GraphError(found)


def _files(args: argparse.Namespace) -> Iterator[FileUse]:
    """Yield the files that the options name."""
    yield FileUse(args.file, "reads", "the graph")
    yield from model_caches()
    if args.scenes is not None:
        yield FileUse(os.path.join(args.scenes, NAME), "reads", "--scenes")
    if args.baseline is not None:
        yield FileUse(args.baseline, "reads", "--baseline")
    if args.save is not None:
        yield FileUse(args.save, "writes", "--save", Place(args.save))


class _Battery:
    """One battery, from loading to the verdicts."""

    def __init__(
        self,
        args: argparse.Namespace,
        overrides: dict[str, str],
        played: list[Scene],
        baseline: Mapping[str, Share],
        folder: Path,
        live: Live,
    ) -> None:
        self.args, self.baseline, self.live = args, baseline, live
        self._save = os.path.abspath(args.save) if args.save is not None else None
        self._signals = SignalWaiter()
        self._results: list[SceneResult] = []
        self._noted: set[str] = set()
        self._battery_run = BatteryRun(args.file, overrides, played, folder, args.fast)
        self._battery_run.listen(self._listen)
        self._code = OK

    def run(self) -> int:
        for warning in self._battery_run.graph.warnings:
            self.live.note(indented(warning))
        with self._signals, PythonMessages(self._battery_run.graph.secrets.hide):
            self.live.status("loading")
            playing = threading.Thread(target=self._play, name="vflow:battery", daemon=True)
            playing.start()
            interrupted = self._signals.wait() != DONE
            if interrupted:
                self._battery_run.stop()
            playing.join(STOP_S)
        self.live.clear()
        if self._code == USAGE:
            return USAGE
        return self._report(interrupted)

    def _play(self) -> None:
        """Play the scenes in a thread of its own, so that the main thread is free for Ctrl-C."""
        opened = False
        try:
            self._battery_run.open()
            opened = True
            for found in self._battery_run.results(self._told):
                self._results.append(found)
        except VflowError as error:
            self._code = USAGE if not opened and isinstance(error.__cause__, Unavailable) else FAILED
            self.live.failed(error)
        except (RuntimeError, OSError) as error:  # libsndfile's errors are RuntimeErrors
            self._code = FAILED
            self.live.note(f"error: {error}")
        finally:
            self._battery_run.close()
            self._signals.wake()

    def _told(self, number: int, count: int, name: str) -> None:
        self.live.status(f"scene {number} of {count}: {name}")

    def _listen(self, message: Message) -> None:
        """Show a warning once: each scene may have it. In virtual time nothing stalls."""
        if self.args.fast and message.text.startswith((*WATCHDOG, "went on after")):
            return
        text = f"warning: {message.source}: {indented(message.text)}"
        if message.kind == "warning" and text not in self._noted:
            self._noted.add(text)
            self.live.note(text)

    def _report(self, interrupted: bool) -> int:
        run, results = self._battery_run, list(self._results)
        complete = len(results) == len(run.scenes) and self._code == OK and not interrupted
        found = shares(results)
        losses = list(worse(found, self.baseline)) if complete else []
        if self.args.json:
            emit_json(result(run.graph, results, found, losses, complete, self.args.fast))
        else:
            emit("\n".join(table(run.graph, results, found, losses, complete, self.args.fast)))
            if self.baseline and complete and not losses:
                emit(f"no share is worse than in {self.args.baseline}")
        if self._save is not None and complete:
            try:
                write_whole(self._save, baseline_of(found, self.args.fast))
            except OSError as error:
                self.live.note(f"the baseline cannot be written: {error}")
                self._code = self._code or FAILED
        if interrupted:
            return INTERRUPTED
        return FAILED if losses or not complete else self._code
