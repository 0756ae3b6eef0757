"""Find the best number of threads for a library here, by trying it with the graph's own nodes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from vflow.advice import Advice, Effect
from vflow.doctor.trial_run import Loaded, TrialNode, within
from vflow.graph.graph import Graph
from vflow.models.progress import Progress
from vflow.runtime.context import threads_of

LONGEST_S = 10.0
"""Longest load time of a node that is loaded again for this."""
ANSWER_S = 60.0
"""Longest wait for a node that loaded faster before; after it, the node counts as hanging."""
RUNS, SECONDS = 7, 1.0
"""Most repetitions of a warm-up, and the seconds after which no further one begins."""
LEAST_MS = 1.0
"""Least time of a warm-up that tells anything."""
MATTERS = 0.85
"""Share of the time below which other work on the machine does not explain the gain."""


def advice(graph: Graph, loaded: Iterable[Loaded], cores: float, report: Progress) -> Iterator[Advice]:
    """Advise, for each library that a node asked about, the number of threads that makes its nodes fastest.

    A node's work is its `warm_up`; the node is opened anew for each number, and nothing runs beside it, which
    is rare in a pipeline. A number that makes it no faster is not advised.
    """
    loaded = list(loaded)
    asked = {library for node in loaded for library in node.libraries}
    for library in sorted(asked):
        nodes = [node for node in loaded if library in node.libraries and node.seconds <= LONGEST_S]
        if nodes:
            yield from _advice(graph, library, [node.node for node in nodes], cores, report)
    for library in sorted(graph.threads.keys() - asked):
        text = f"no node that was opened asks how many threads {library} may use"
        yield Advice(f"threads.{library}", str(graph.threads[library]), text, "none", known=True, node="")


def not_compared(loaded: Iterable[Loaded]) -> Iterator[str]:
    """Note which nodes `advice` leaves out."""
    for node in loaded:
        if node.libraries and node.seconds > LONGEST_S:
            names = ", ".join(f"threads.{library}" for library in sorted(node.libraries))
            yield f"{names}: not tried with {node.node}, which took {node.seconds:.0f} s to load"


def _advice(
    graph: Graph, library: str, nodes: Sequence[str], cores: float, report: Progress
) -> Iterator[Advice]:
    given = threads_of(graph, library)
    times: dict[int, float] = {}
    with _torch_threads_kept():
        for count in sorted({1, max(1, int(cores) // 2), max(1, int(cores)), given}):
            plural = "s" if count > 1 else ""
            report(f"measuring {', '.join(nodes)} with {library} on {count} thread{plural}", None)
            measured = (partial(_warm_ms, graph, name, {library: count}) for name in nodes)
            times[count] = sum(within(ANSWER_S, ", ".join(nodes), step) for step in measured)
    best = min(times, key=lambda count: times[count])
    if times[given] < LEAST_MS:
        return
    tried = ", ".join(f"{ms:.0f} ms on {count}" for count, ms in times.items())
    effect: Effect = "faster" if times[best] <= MATTERS * times[given] else "none"
    count = best if effect == "faster" else given
    text = f"warming up {', '.join(nodes)}, with nothing beside: {tried}"
    figures = times[given], times[count], "ms"
    yield Advice(f"threads.{library}", str(count), text, effect, *figures, node="")


def _warm_ms(graph: Graph, name: str, threads: Mapping[str, int]) -> float:
    """Return the shortest of several warm-ups of a node, in ms, after a first one."""
    with TrialNode(graph, name, lambda text, fraction: None, threads) as trial:
        best_s, until = float("inf"), time.perf_counter() + SECONDS
        for _ in range(RUNS):
            began = time.perf_counter()
            trial.node.warm_up()
            now = time.perf_counter()
            best_s = min(best_s, now - began)
            if now > until:
                break
    return best_s * 1e3


@contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Restore torch's number of threads, which nodes set for the whole process."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)
