"""`vflow inspect [NAME]`: every node and role in a line each, or all about one of them."""

from __future__ import annotations

import argparse
import sys

from vflow.cli.main import OK, USAGE
from vflow.cli.node_reference import NodeReference
from vflow.errors import Unavailable
from vflow.graph.registry import Registry, UnknownNode
from vflow.printing import continued, emit, indented, write


def main(args: argparse.Namespace) -> int:
    """Print the reference; returns 0, or 2 for a name that nothing has."""
    reference = NodeReference(Registry())
    try:
        lines = list(reference.overview() if args.name is None else reference.about(args.name))
    except UnknownNode as error:
        write(f"vflow inspect: error: {indented(str(error))}", sys.stderr)
        return USAGE
    except Unavailable as error:
        write(f"vflow inspect: error: {args.name}: {indented(str(error))}", sys.stderr)
        return USAGE
    emit("\n".join(map(continued, lines)))
    return OK
