"""`vflow graph FILE`: show the checked graph as text, as a picture, or in another program's language."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
import webbrowser

from vflow.cli import drawing, graph_options
from vflow.cli.diagnostics import report
from vflow.cli.graph_options import model_caches
from vflow.cli.main import FAILED, OK, USAGE
from vflow.errors import GraphError, Place, VflowError
from vflow.graph.file_uses import FileUse, clashes
from vflow.graph.graph import Graph
from vflow.printing import emit, escaped, write
from vflow.report.report_file import write_whole

FORMATS = {
    ".txt": "text", ".svg": "svg", ".html": "html", ".htm": "html", ".png": "png", ".json": "json",
    ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid",
}  # fmt: skip
"""Format by the ending of OUT, if none is asked for."""
PICTURES = ("svg", "html", "png")
"""Formats whose ending no other format may have."""
OTHERS = (".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".ps", ".eps")
"""Endings that Graphviz can make from a drawing in dot."""
ASCII = str.maketrans(
    {"│": "|", "║": "#", "├": "+", "╠": "+", "└": "+", "╚": "+", "─": "-", "═": "=", "·": "."}
)
"""Replacements for a terminal that cannot show line drawing."""


def main(args: argparse.Namespace) -> int:
    """Draw the graph. Return 0, or 2 if the graph has errors or OUT cannot be written."""
    if os.path.splitext(args.output or "")[1].lower() in (*FORMATS, *OTHERS):
        shown = escaped(args.output)
        write(f"{shown}: error: --output stands in for the speaker; write -o {shown}", sys.stderr)
        return USAGE
    stem, ending = os.path.splitext(args.drawing or "")
    if ending.lower() in OTHERS:
        dot = f"{escaped(stem)}.dot"
        mend = f"write {dot}, and draw it: dot -T{ending[1:].lower()} {dot} -o {escaped(args.drawing)}"
        write(f"{escaped(args.drawing)}: error: this format cannot be written; {mend}", sys.stderr)
        return USAGE
    try:
        graph = graph_options.load(args, require_available=False)
    except GraphError as error:
        report(error.diagnostics)
        return USAGE
    written = FORMATS.get(ending.lower())
    if args.format and written in PICTURES and written != args.format:
        shown = escaped(args.drawing)
        write(
            f"{shown}: error: --format {args.format} is not {written}; leave it out, or rename OUT",
            sys.stderr,
        )
        return USAGE
    form = args.format or written or "text"
    try:
        if args.open:
            return _open(graph)
        drawn = _drawn(graph, form)
    except VflowError as error:
        write(f"{escaped(args.file)}: error: {error}", sys.stderr)
        return USAGE
    if args.drawing is None and isinstance(drawn, str):
        emit(printable(drawn, getattr(sys.stdout, "encoding", None)))
        return OK
    if args.drawing is None:
        write(f"{escaped(args.file)}: error: a PNG is no text; write it to a file: -o graph.png", sys.stderr)
        return USAGE
    use = FileUse(args.drawing, "writes", "-o", Place(args.drawing))
    if found := list(clashes([*graph.files, *model_caches(), use])):
        report(found)
        return USAGE
    try:
        write_whole(args.drawing, f"{drawn}\n" if isinstance(drawn, str) else drawn)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        reason = getattr(error, "strerror", None) or error
        write(f"{escaped(args.drawing)}: error: cannot be written: {reason}", sys.stderr)
        return USAGE
    return OK


def _drawn(graph: Graph, form: str) -> str | bytes:
    """Return the drawing in one of the formats. Raises: VflowError if a program that it needs is missing."""
    if form in ("text", "mermaid", "dot"):
        return {"text": drawing.text, "mermaid": drawing.mermaid, "dot": drawing.dot}[form](graph)
    from vflow.picture.scene import scene  # importing networkx takes 250 ms

    made = scene(graph)
    if form == "json":
        return json.dumps(made.to_json(), ensure_ascii=False, indent=1)
    if form == "html":
        from vflow.picture.html import html

        return html(made)
    from vflow.picture.svg import svg

    if form == "svg":
        return svg(made)
    from vflow.picture.png import png

    return png(svg(made))


def _open(graph: Graph) -> int:
    """Write the page into a folder for temporary files, which the machine empties later, and show it."""
    folder = tempfile.mkdtemp(prefix="vflow-graph-")
    file = os.path.join(folder, f"{os.path.splitext(os.path.basename(graph.file))[0] or 'graph'}.html")
    write_whole(file, _drawn(graph, "html"))
    shown = webbrowser.open(pathlib.Path(file).as_uri())
    emit(f"{file}{'' if shown else ': no browser was found; open this file in one'}")
    return OK if shown else FAILED


def printable(drawn: str, encoding: str | None) -> str:
    """Return `drawn`, in plain ASCII lines if the terminal's encoding has no others."""
    try:
        drawn.encode(encoding or "ascii", "surrogatepass" if encoding == "utf-8" else "strict")
    except (UnicodeEncodeError, LookupError):
        return drawn.translate(ASCII).encode("ascii", "replace").decode()
    return drawn
