"""Open a graph's nodes one by one as a pipeline would: what each takes, and what it advises."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from vflow import resources
from vflow.advice import Advice, Advises
from vflow.deadline import call_within
from vflow.errors import Diagnostic, describe
from vflow.graph.graph import Graph
from vflow.models.progress import Progress
from vflow.node import is_source, overrides
from vflow.runtime.context import threads_of
from vflow.runtime.harness import Harness

T = TypeVar("T")
THREADS = "doctor:"
"""Prefix in the names of threads that run a node's own code; the node's name follows."""
ADVICE_S = 120.0
"""Longest time for which a node may measure; after it, the node counts as hanging."""
CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """The cost of opening a node. Sizes in bytes, None if the system does not say. `libraries` are those for
    which it asked the number of threads."""

    node: str
    resolved: str
    open_s: float
    warm_up_s: float
    memory: int | None
    cuda_memory: int
    libraries: frozenset[str]

    @property
    def seconds(self) -> float:
        return self.open_s + self.warm_up_s


class TrialNode(Harness):
    """A node of a graph, alone. `threads` are tried in the place of the graph's numbers, by library."""

    def __init__(
        self, graph: Graph, name: str, report: Progress, threads: Mapping[str, int] | None = None
    ) -> None:
        node = graph.nodes[name]
        super().__init__(node.create(), name=name, caps=node.caps)
        self.linked_ports = {link.out for link in graph.out_of(name)}
        self.libraries: set[str] = set()
        self._graph, self._report, self._tried = graph, report, dict(threads or {})

    def threads(self, library: str) -> int:
        self.libraries.add(library)
        return self._tried.get(library) or threads_of(self._graph, library)

    def progress(self, text: str, fraction: float | None = None) -> None:
        self._report(f"{self.name}: {self._graph.secrets.hide(text)}", fraction)

    def loaded(self) -> Loaded:
        """Open and warm up the node, and return what that took. Raises: the node's own errors."""
        before = resources.resident(), _cuda_memory()
        began = time.perf_counter()
        self.node.open()
        opened = time.perf_counter()
        self.node.warm_up()
        warm = time.perf_counter()
        after = resources.resident(), _cuda_memory()
        grown = None if before[0] is None or after[0] is None else max(0, after[0] - before[0])
        resolved = self._graph.nodes[self.name].resolved
        on_device = max(0, after[1] - before[1])
        libraries = frozenset(self.libraries)
        return Loaded(self.name, resolved, opened - began, warm - opened, grown, on_device, libraries)


class TrialRun:
    """The nodes of a graph that could be opened; `problems` has the others, and the nodes' warnings."""

    def __init__(self, graph: Graph, report: Progress) -> None:
        self.graph = graph
        self.loaded: list[Loaded] = []
        self.problems: list[Diagnostic] = []
        self._report, self._trials, self._exit = report, list[TrialNode](), ExitStack()

    def open(self, missing: Collection[str]) -> None:
        """Open every node that loads or advises something, except those in `missing` or inside one of them.
        Blocks while models load.

        Sources and nodes with an effect are not opened: they would begin to record, or overwrite a file.
        """
        for name, node in self.graph.nodes.items():
            if any(f"{name}.".startswith(f"{other}.") for other in missing):
                continue
            if is_source(node.cls) or node.cls.effect:
                if problem := node.cls.unavailable():
                    self._problem(name, problem)
            elif any(overrides(node.cls, method) for method in ("open", "warm_up")) or issubclass(
                node.cls, Advises
            ):
                self._open(name)

    def _open(self, name: str) -> None:
        self._report(f"opening {name}", None)
        trial = TrialNode(self.graph, name, self._report)
        self._exit.callback(self._close, trial)
        try:
            self.loaded.append(within(None, name, trial.loaded))
        except Exception as error:  # the node's own code may raise anything
            self._problem(name, describe(error, type(trial.node)))
        else:
            self._trials.append(trial)
        for message in trial.messages:
            if message.kind == "warning":
                self._problem(name, message.text, "warning")

    def advice(self) -> Iterator[Advice]:
        """Yield the advice of the nodes; blocks while they measure."""
        for trial in self._trials:
            if not isinstance(trial.node, Advises):
                continue
            self._report(f"measuring what may be set of {trial.name}", None)
            given: list[Advice] = []
            try:
                within(ADVICE_S, trial.name, partial(_ask, trial.node, given))
            except Exception as error:  # the node's own code may raise anything
                self._problem(
                    trial.name, f"its advice failed: {describe(error, type(trial.node))}", "warning"
                )
            for advice in given:
                yield advice if advice.node is not None else replace(advice, node=trial.name)

    def close(self) -> None:
        """Close all nodes; may be called twice."""
        self._exit.close()

    def _close(self, trial: TrialNode) -> None:
        if any(thread.name == f"vflow:{THREADS}{trial.name}" for thread in threading.enumerate()):
            return  # its thread was interrupted, or hangs: leave it to the end of the process
        try:
            within(CLOSE_S, trial.name, trial.__exit__)
        except Exception as error:  # the node's own code may raise anything
            self._problem(trial.name, f"close: {describe(error, type(trial.node))}", "warning")

    def _problem(self, name: str, text: str, severity: str = "error") -> None:
        place = self.graph.nodes[name].place
        shown = self.graph.secrets.hide(text)
        self.problems.append(Diagnostic(f"{name}: {shown}", place, severity=severity))


@contextmanager
def trial_run(graph: Graph, missing: Collection[str], report: Progress) -> Iterator[TrialRun]:
    """Open the graph's nodes except `missing`. They are closed at the end, whatever happens."""
    run = TrialRun(graph, report)
    try:
        run.open(missing)
        yield run
    finally:
        run.close()


def within(deadline_s: float | None, name: str, step: Callable[[], T]) -> T:
    """Run a step of a node's own code so that Ctrl-C is heard meanwhile.

    Raises: as `call_within` does.
    """
    return call_within(deadline_s, step, name, f"{THREADS}{name}")


def _ask(node: Advises, given: list[Advice]) -> None:
    given.extend(node.advise())


def _cuda_memory() -> int:
    """Return the bytes of CUDA memory in use on the current device; 0 if torch is not loaded, or has none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return 0
    free, total = torch.cuda.mem_get_info()
    return int(total - free)
