"""`vflow inspect [NAME]`: print a line for each node and role, or everything about one of them."""

from __future__ import annotations

import argparse
import sys

from vflow.cli import offers
from vflow.cli.diagnostics import report as report_diagnostics
from vflow.cli.main import OK, USAGE
from vflow.cli.node_reference import NodeReference
from vflow.errors import GraphError, VflowError
from vflow.graph.registry import Registry, UnknownNode
from vflow.printing import continued, emit, indented, write


def main(args: argparse.Namespace) -> int:
    """Print the reference. Return 0, or 2 for an unknown name, or a server that does not answer."""
    reference = NodeReference(Registry())
    try:
        if args.set:
            lines = list(reference.asked(args.name, offers.properties_of(args.set)))
        else:
            lines = list(reference.overview() if args.name is None else reference.about(args.name))
    except UnknownNode as error:
        write(f"vflow inspect: error: {indented(str(error))}", sys.stderr)
        return USAGE
    except GraphError as error:
        report_diagnostics(error.diagnostics)
        return USAGE
    except VflowError as error:
        name = f"{args.name}: " if args.name is not None else ""
        write(f"vflow inspect: error: {name}{indented(str(error))}", sys.stderr)
        return USAGE
    emit("\n".join(map(continued, lines)))
    return OK
