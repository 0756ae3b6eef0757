"""`vflow doctor [FILE]`: examine this machine, and what would make a graph faster or smaller on it."""

from __future__ import annotations

import argparse
import sys

from vflow.cli import graph_options
from vflow.cli.doctor_report import as_json, as_text
from vflow.cli.main import OK, USAGE
from vflow.cli.python_messages import PythonMessages
from vflow.cli.status_line import StatusLine
from vflow.doctor.examination import examine
from vflow.errors import Diagnostic, GraphError, Place
from vflow.graph.graph import Graph
from vflow.graph.latency_budget import over_budget
from vflow.printing import continued, emit, emit_json, write


def main(args: argparse.Namespace) -> int:
    """Examine and print. Return 0, or 2 if the graph cannot run here."""
    if args.file is None and (args.set or args.input or args.output):
        write("vflow doctor: error: --set, --input and --output are about a FILE: name it", sys.stderr)
        return USAGE
    graph, problems = _graph(args) if args.file is not None else (None, [])
    status = StatusLine(sys.stderr)
    try:
        with PythonMessages(graph.secrets.hide if graph is not None else str):
            found = examine(graph, problems, status.show)
    finally:
        status.end()
    if args.json:
        emit_json(as_json(args.file, graph, found), indent=1)
    else:
        emit("\n".join(map(continued, as_text(args.file, graph, found))))
    return OK if found.ready else USAGE


def _graph(args: argparse.Namespace) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the graph (None if it has errors of its own), and what is missing here and its warnings."""
    problems: list[Diagnostic] = []
    try:
        graph = graph_options.load(args)
    except GraphError as strict:
        problems += strict.diagnostics
        try:
            graph = graph_options.load(args, require_available=False)
        except GraphError as error:
            return None, [*problems, *(d for d in error.diagnostics if d.severity == "error")]
    else:
        for text in graph.warnings:
            place, _, message = text.rpartition(": warning: ")
            problems.append(Diagnostic(message, Place(place) if place else None, severity="warning"))
    broken = over_budget(graph)
    return graph, [*problems, *([broken] if broken else [])]
