"""`vflow check FILE...`: print all errors of each graph; describe a good one."""

from __future__ import annotations

import argparse
import sys

from vflow.cli import graph_options
from vflow.cli.diagnostics import render, report
from vflow.cli.graph_summary import describe
from vflow.cli.main import OK, USAGE
from vflow.errors import GraphError
from vflow.graph import shipped
from vflow.graph.file_uses import missing
from vflow.graph.latency_budget import over_budget
from vflow.printing import emit, escaped, indented, write


def main(args: argparse.Namespace) -> int:
    """Check the files. Return 0, or 2 if one of them has an error."""
    good = [check(argparse.Namespace(**{**vars(args), "file": file})) for file in args.files]
    return OK if all(good) else USAGE


def check(args: argparse.Namespace) -> bool:
    """Check one file and return whether it is good. Describe a good graph on stdout; findings go to stderr.

    A missing model or device is only a warning: the graph may run elsewhere.
    """
    file = args.file
    try:
        file = shipped.find(file)
        graph = graph_options.load(args, require_available=False)
        if broken := over_budget(graph):
            raise GraphError([broken])
    except GraphError as error:
        report(error.diagnostics)
        errors = sum(d.severity == "error" for d in error.diagnostics)
        write(f"{escaped(file)}: {errors} error{'s' if errors > 1 else ''}", sys.stderr)
        return False
    for warning in graph.warnings:
        write(indented(warning), sys.stderr)
    for found in missing(graph.files):
        write(graph.secrets.hide(render(found)), sys.stderr)
    emit("\n".join([f"{escaped(file)}: ok", *(f"  {line}" for line in describe(graph))]))
    return True
