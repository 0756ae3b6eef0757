"""`vflow graph FILE`: the checked graph as text, mermaid or Graphviz dot."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vflow.cli.diagnostics import report
from vflow.cli.main import OK, USAGE
from vflow.errors import GraphError

ASCII = str.maketrans(
    {"│": "|", "║": "#", "├": "+", "╠": "+", "└": "+", "╚": "+", "─": "-", "═": "=", "·": "."}
)
"""For a terminal that cannot show line drawing."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("file", metavar="FILE", help="a graph file")
    parser.add_argument(
        "--format",
        choices=("text", "mermaid", "dot"),
        default="text",
        help="what to draw it as (default: text)",
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, help="file to write to (default: stdout)")


def main(args: argparse.Namespace) -> int:
    """Draw the graph; returns 0, or 2 where the graph has errors or OUT cannot be written."""
    # here, and not above: `vflow graph --help` does not need numpy
    from vflow.cli import drawing
    from vflow.graph import shipped
    from vflow.graph.loader import load

    try:
        graph = load(shipped.find(args.file), require_available=False)
    except GraphError as error:
        report(error.diagnostics)
        return USAGE
    drawn = {"text": drawing.text, "mermaid": drawing.mermaid, "dot": drawing.dot}[args.format](graph)
    if args.output is None:
        print(printable(drawn, getattr(sys.stdout, "encoding", None)))
        return OK
    try:
        args.output.write_text(f"{drawn}\n", encoding="utf-8")
    except OSError as error:
        print(f"{args.output}: error: cannot be written: {error.strerror}", file=sys.stderr)
        return USAGE
    return OK


def printable(drawn: str, encoding: str | None) -> str:
    """`drawn`, in plain ASCII lines where the terminal's encoding has no others."""
    try:
        drawn.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return drawn.translate(ASCII).encode("ascii", "replace").decode()
    return drawn
