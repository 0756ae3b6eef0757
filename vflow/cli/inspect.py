"""`vflow inspect [NAME]`: every node and role in a line each, or all about one of them."""

from __future__ import annotations

import argparse
import sys

from vflow.cli.main import OK, USAGE
from vflow.errors import Unavailable


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a node or a role, such as 'turn', 'tts' or 'tts.hibari'"
    )


def main(args: argparse.Namespace) -> int:
    """Print the reference; returns 0, or 2 for a name that nothing has."""
    # here, and not above: `vflow inspect --help` does not need numpy
    from vflow.cli.node_reference import NodeReference
    from vflow.graph.registry import Registry, UnknownNode

    reference = NodeReference(Registry())
    try:
        lines = list(reference.overview() if args.name is None else reference.about(args.name))
    except UnknownNode as error:
        print(f"vflow inspect: error: {error}", file=sys.stderr)
        return USAGE
    except Unavailable as error:
        print(f"vflow inspect: error: {args.name}: {error}", file=sys.stderr)
        return USAGE
    print("\n".join(lines))
    return OK
