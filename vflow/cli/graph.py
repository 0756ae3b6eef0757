"""`vflow graph FILE`: the checked graph as text, mermaid or Graphviz dot."""

from __future__ import annotations

import argparse
import os
import sys

from vflow.cli import drawing, graph_options
from vflow.cli.diagnostics import report
from vflow.cli.graph_options import model_caches
from vflow.cli.main import OK, USAGE
from vflow.errors import GraphError, Place
from vflow.graph.file_uses import FileUse, clashes
from vflow.printing import emit, escaped, write
from vflow.report.report_file import write_whole

FORMATS = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}
"""By the ending of OUT, where no format is asked for."""
PICTURES = (".svg", ".png", ".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".ps", ".eps")
"""Endings of what Graphviz makes of a drawing in dot."""
ASCII = str.maketrans(
    {"│": "|", "║": "#", "├": "+", "╠": "+", "└": "+", "╚": "+", "─": "-", "═": "=", "·": "."}
)
"""For a terminal that cannot show line drawing."""


def main(args: argparse.Namespace) -> int:
    """Draw the graph; returns 0, or 2 where the graph has errors or OUT cannot be written."""
    if os.path.splitext(args.output or "")[1].lower() in (*FORMATS, *PICTURES):
        shown = escaped(args.output)
        write(f"{shown}: error: --output stands in for the speaker; write -o {shown}", sys.stderr)
        return USAGE
    stem, ending = os.path.splitext(args.drawing or "")
    if ending.lower() in PICTURES:
        dot = f"{escaped(stem)}.dot"
        mend = f"write {dot}, and draw it: dot -T{ending[1:].lower()} {dot} -o {escaped(args.drawing)}"
        write(f"{escaped(args.drawing)}: error: what is written is text, mermaid or dot; {mend}", sys.stderr)
        return USAGE
    try:
        graph = graph_options.load(args, require_available=False)
    except GraphError as error:
        report(error.diagnostics)
        return USAGE
    form = args.format or FORMATS.get(ending.lower(), "text")
    drawn = {"text": drawing.text, "mermaid": drawing.mermaid, "dot": drawing.dot}[form](graph)
    if args.drawing is None:
        emit(printable(drawn, getattr(sys.stdout, "encoding", None)))
        return OK
    use = FileUse(args.drawing, "writes", "-o", Place(args.drawing))
    if found := list(clashes([*graph.files, *model_caches(), use])):
        report(found)
        return USAGE
    try:
        write_whole(args.drawing, f"{drawn}\n")
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        reason = getattr(error, "strerror", None) or error
        write(f"{escaped(args.drawing)}: error: cannot be written: {reason}", sys.stderr)
        return USAGE
    return OK


def printable(drawn: str, encoding: str | None) -> str:
    """`drawn`, in plain ASCII lines where the terminal's encoding has no others."""
    try:
        drawn.encode(encoding or "ascii", "surrogatepass" if encoding == "utf-8" else "strict")
    except (UnicodeEncodeError, LookupError):
        return drawn.translate(ASCII).encode("ascii", "replace").decode()
    return drawn
