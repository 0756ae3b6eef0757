"""Load graphs for sessions, and keep pipelines of them open, so that a session begins at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from vflow.errors import VflowError, describe
from vflow.graph.graph import Graph
from vflow.graph.loader import load
from vflow.graph.overrides import StandIns, TextInput
from vflow.graph.registry import NodeClass
from vflow.graph.shipped import find
from vflow.runtime.pipeline import Pipeline
from vflow.session.ends import BUTTON, SINK, SOURCE, TYPED, check_ends

CLOSE_S = 5.0
Loadable = str | Path | Mapping[str, Any] | Graph
"""A graph file, its text, a mapping with its keys, the name of a shipped pipeline, or a loaded graph."""


class Preloaded:
    """Keeps `ready` pipelines of a graph open; for each that is taken it opens another. Any thread.

    They share the models; the state of a conversation each has for itself. Call `close` when no more sessions
    begin; those that run go on.
    """

    def __init__(self, graph: Graph, ready: int = 1) -> None:
        """Blocks until they are open. Raises: NodeError; VflowError if no session can use the graph."""
        check_ends(graph)
        self.graph, self._wanted = graph, ready
        self._lock = threading.Condition()
        # all below guarded by _lock
        self._open: deque[Pipeline] = deque()
        self._opening = False  # whether a thread is restocking
        self._closed = False
        self._renewed = 0  # how many calls of `renew`
        self._problem = ""
        try:
            for _ in range(ready):
                self._open.append(Pipeline(graph).open())
        except BaseException:
            self.close()
            raise

    def take(self) -> Pipeline:
        """Return an open pipeline; if there is none, a new one. Does not block.

        Call `restock` once it plays. Raises: VflowError after `close`.
        """
        with self._lock:
            if self._closed:
                raise VflowError("the preloaded graph is closed; call vflow.preload again")
            pipeline = self._open.popleft() if self._open else None
        return pipeline or Pipeline(self.graph)

    def restock(self) -> None:
        """Open as many as were taken, in the background. `take` does not do it: opening nodes would delay the
        session that is just beginning."""
        with self._lock:
            begins = not (self._opening or self._closed) and len(self._open) < self._wanted
            self._opening = self._opening or begins
        if begins:
            threading.Thread(target=self._restock, name="vflow:preload", daemon=True).start()

    def renew(self) -> None:
        """Replace the open pipelines that nobody has taken: a part that they share may have failed. Does not
        block."""
        with self._lock:
            self._renewed += 1
            stale = list(self._open)
            self._open.clear()
            begins = self._wanted > 0 and not (self._opening or self._closed)
            self._opening = self._opening or begins

        def run() -> None:
            for pipeline in stale:
                pipeline.stop()
            if begins:
                self._restock()

        threading.Thread(target=run, name="vflow:preload", daemon=True).start()

    @property
    def problem(self) -> str:
        """Why the last pipeline could not be opened ahead; '' if it could."""
        with self._lock:
            return self._problem

    @property
    def ready(self) -> int:
        """How many pipelines are open and not taken."""
        with self._lock:
            return len(self._open)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until no pipeline is being opened. Return False after the timeout."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._opening, timeout_s)

    def close(self) -> None:
        """Close the pipelines that nobody has taken, also one that is being opened. May be called twice.
        Blocks until then, for CLOSE_S at most."""
        with self._lock:
            self._closed = True
            left = list(self._open)
            self._open.clear()
        for pipeline in left:
            pipeline.stop()
        self.wait(CLOSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _restock(self) -> None:
        """Open the missing pipelines one after the other: sessions that begin meanwhile keep most cores."""
        while self._open_one():
            pass

    def _open_one(self) -> bool:
        """Open a pipeline; return whether more are missing."""
        with self._lock:
            renewed = self._renewed
        pipeline, problem = Pipeline(self.graph), ""
        try:
            pipeline.open()
        except (VflowError, RuntimeError, OSError) as error:  # the next session will load, and raise it
            problem = describe(error)
        with self._lock:
            self._problem = problem
            stale = renewed != self._renewed and not (problem or self._closed)
            kept = not (problem or self._closed or stale)
            if kept:
                self._open.append(pipeline)
            more = stale or (kept and len(self._open) < self._wanted)
            if kept and not more:
                self._end_restocking()
        if not kept:
            pipeline.stop()
            if not stale:
                with self._lock:
                    self._end_restocking()
        return more

    def _end_restocking(self) -> None:
        """Note that restocking has ended. Hold the lock."""
        self._opening = False
        self._lock.notify_all()


def load_for_sessions(
    graph: str | Path | Mapping[str, Any],
    *,
    pace: Literal["clock", "played"] = "clock",
    input_rate: int = 16_000,
    output_rate: int | None = None,
    overrides: Mapping[str, str] | None = None,
    stand_ins: StandIns | None = None,
    nodes: Mapping[str, NodeClass] | None = None,
    text: Literal["beside", "alone", "silent"] = "beside",
    push_to_talk: bool = False,
) -> Graph:
    """Load a graph with the application in the place of microphone and loudspeaker. Raises: GraphError."""
    given: StandIns = {
        "mic": (SOURCE, {"rate": input_rate}),
        "speaker": (SINK, {"pace": pace, "rate": output_rate}),
        **({"vad": (BUTTON, {"tail": "0ms"})} if push_to_talk else {}),
        **(stand_ins or {}),
    }
    if not isinstance(graph, Mapping) and "\n" not in str(graph):
        graph = find(str(graph))
    typed = TextInput(TYPED, alone=text != "beside", silent=text == "silent", required=text != "beside")
    return load(
        graph,
        overrides=overrides,
        stand_ins=given,
        nodes=nodes,
        require_stand_ins=False,
        text_input=typed,
    )


def graph_for_sessions(graph: Loadable, options: Mapping[str, Any]) -> Graph:
    """Load a graph by `load_for_sessions`; return a loaded one as it is. Raises: GraphError; VflowError for
    options that come with a loaded graph."""
    if not isinstance(graph, Graph):
        return load_for_sessions(graph, **options)
    refuse_options(options, "give the graph's file, text or name in its place")
    return graph


def refuse_options(options: Mapping[str, Any], mend: str) -> None:
    """Raises: VflowError for options other than the defaults: the graph is loaded, they would change
    nothing."""
    defaults: Mapping[str, Any] = load_for_sessions.__kwdefaults__ or {}
    if changed := [name for name, value in options.items() if value != defaults.get(name)]:
        raise VflowError(
            f"the graph is loaded already, and {', '.join(changed)} would change nothing; {mend}"
        )


def preload(graph: Loadable, ready: int = 1, **options: Any) -> Preloaded:
    """Load a graph and its models, and keep them: `Session(preloaded)` then begins at once.

    `ready` is how many sessions are held open. `options` are those of `Session`. Blocks. Raises: GraphError,
    NodeError.
    """
    return Preloaded(graph_for_sessions(graph, options), ready)
