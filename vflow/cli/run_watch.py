"""A run that is seen by others: `vflow run --watch`, and what `vflow top` reads."""

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
    """Raises: GraphError for options that mean nothing, or where a server is missing here."""
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
    """The graph to run: one that `trace` watches, where that is asked for, else one whose nodes are timed,
    where a page shows them."""
    if args.trace is not None:
        return trace.of(graph)
    return graph if args.watch is None else timed(graph)


@contextlib.contextmanager
def watched(
    args: argparse.Namespace, pipeline: Pipeline, log: TurnLog, tell: Callable[[str], None]
) -> Iterator[None]:
    """Inside the context `vflow top` sees the run, and its page is served, where it is asked for; `tell` gets
    its address. Raises: GraphError for a port that cannot be had."""
    if args.watch is None:
        with published(pipeline, log):
            yield
        return
    server = importlib.import_module("vflow.live.watch_server")  # uvicorn takes a quarter of a second
    feed = importlib.import_module("vflow.live.feed").Feed(pipeline, log)
    try:
        served = server.WatchServer(feed, args.watch)
    except VflowError as error:
        raise GraphError([Diagnostic(str(error), OPTION)]) from None
    feed.about()  # drawn before it plays
    with published(pipeline, log), served:
        tell(f"watch: {served.url}")
        if args.open:
            threading.Thread(target=_show, args=(served.url, tell), name="vflow:browser", daemon=True).start()
        yield


def _show(url: str, tell: Callable[[str], None]) -> None:
    if not webbrowser.open(url):
        tell("no browser was found; open this address in one")
