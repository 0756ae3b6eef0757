"""Let others watch a run: by its page, for `vflow run --watch`, and by `vflow top`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import threading
import webbrowser
from collections.abc import Callable, Iterator

from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError
from vflow.graph.graph import Graph
from vflow.live.run_socket import published
from vflow.report.turn_log import TurnLog
from vflow.runtime.node_times import timed
from vflow.runtime.pipeline import Pipeline
from vflow.runtime.trace import Trace
from vflow.web import NEEDS, require

OPTION = Place("--watch")


def check(args: argparse.Namespace, runs: int) -> None:
    """Check the options. Raises: GraphError if they contradict each other, or no server is installed."""
    if args.watch is None:
        if args.open:
            raise GraphError([Diagnostic("opens the page of --watch", Place("--open"), "add --watch")])
        return
    if runs > 1:
        raise GraphError([Diagnostic("a page is of one run", OPTION, "give one --input")])
    try:
        require(*NEEDS)
    except Unavailable as error:
        raise GraphError([Diagnostic(str(error), OPTION)]) from None


def watchable(args: argparse.Namespace, graph: Graph, trace: Trace) -> Graph:
    """Return the graph to run. With `--trace` the trace records its nodes; else, with `--watch`, each node is
    timed for the page."""
    if args.trace is not None:
        return trace.of(graph)
    return graph if args.watch is None else timed(graph)


@contextlib.contextmanager
def watched(
    args: argparse.Namespace, pipeline: Pipeline, log: TurnLog, tell: Callable[[str], None]
) -> Iterator[None]:
    """Let `vflow top` see the run inside the context; with `--watch` also serve its page, and give `tell` the
    address. Raises: GraphError if the port cannot be had."""
    if args.watch is None:
        with published(pipeline, log):
            yield
        return
    server = importlib.import_module("vflow.live.watch_server")  # importing uvicorn takes 250 ms
    feed = importlib.import_module("vflow.live.feed").Feed(pipeline, log)
    try:
        served = server.WatchServer(feed, args.watch)
    except VflowError as error:
        raise GraphError([Diagnostic(str(error), OPTION)]) from None
    feed.about()  # draw the graph now, before the run plays
    with published(pipeline, log), served:
        tell(f"watch: {served.url}")
        if args.open:
            threading.Thread(target=_show, args=(served.url, tell), name="vflow:browser", daemon=True).start()
        yield


def _show(url: str, tell: Callable[[str], None]) -> None:
    if not webbrowser.open(url):
        tell("no browser was found; open this address in one")
