"""Options of the verbs that load one graph: properties, and files instead of microphone and speaker."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vflow.graph.graph import Graph

PAD = "2s"
"""Silence behind `--input`: more than any sensible wait for the end of speech."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that `load` reads."""
    parser.add_argument("--input", metavar="WAV", help="stands in for the microphone, at its pace")
    parser.add_argument(
        "--output", metavar="WAV", help="stands in for the speaker; sample n is time n / rate"
    )
    parser.add_argument(
        "--set", metavar="NODE.PROP=VALUE", action="append", default=[], help="set a property (repeatable)"
    )


def overrides_of(texts: Iterable[str]) -> dict[str, str]:
    """What `--set` was given, by "node.property". Raises: GraphError."""
    from vflow.errors import Diagnostic, GraphError, Place

    overrides: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or "." not in name:
            message = f"{text!r} is not a property"
            raise GraphError([Diagnostic(message, Place("--set"), "write --set node.property=value")])
        overrides[name] = value
    return overrides


def load(args: argparse.Namespace, *, require_available: bool = True) -> Graph:
    """The graph in `args.file`, which becomes its path, as the options change it. Raises: GraphError."""
    # here, and not above: it imports numpy, which `--help` does not need
    from vflow.graph import loader, shipped

    args.file = shipped.find(args.file)
    overrides = overrides_of(args.set)
    stand_ins: dict[str, Any] = {}
    if args.input:
        stand_ins["mic"] = ("wav_source", {"file": args.input, "pace": "clock", "pad": PAD})
    if args.output:
        stand_ins["speaker"] = ("wav_sink", {"file": args.output})
    return loader.load(
        args.file, overrides=overrides, stand_ins=stand_ins, require_available=require_available
    )
