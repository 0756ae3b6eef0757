"""Load a verb's graph as its options change it: properties, and files in the place of devices."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vflow import models
from vflow.errors import Diagnostic, GraphError, Place
from vflow.graph import loader, shipped
from vflow.graph.file_uses import FileUse
from vflow.graph.graph import Graph
from vflow.graph.overrides import TextInput
from vflow.models import hub_cache
from vflow.node import Sink
from vflow.session.ends import TYPED

PAD = "2s"
"""Silence after `--input`, longer than any sensible wait for the end of speech."""


def overrides_of(texts: Iterable[str]) -> dict[str, str]:
    """Return the values given by `--set`, by "node.property". Raises: GraphError."""
    overrides: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or "." not in name:
            message = f"{text!r} is not a property"
            raise GraphError([Diagnostic(message, Place("--set"), "write --set node.property=value")])
        overrides[name] = value
    return overrides


def model_caches() -> list[FileUse]:
    """Return the folders of models, whose short names graphs use: no output may overwrite a file in them."""
    own = models.cache_dir()
    folders = own / "models", own / "converted", hub_cache.cache_dir()
    return [FileUse(str(folder), "reads", "the cache of models") for folder in folders]


def load(args: argparse.Namespace, *, require_available: bool = True) -> Graph:
    """Load `args.file`, which becomes a path, as the options change it. Raises: GraphError."""
    args.file = shipped.find(args.file)
    overrides = overrides_of(args.set)
    fast = getattr(args, "fast", False)
    stand_ins: dict[str, Any] = {}
    if args.input:
        pace = "free" if fast else "clock"
        stand_ins["mic"] = ("wav_source", {"file": args.input, "pace": pace, "pad": PAD})
    if args.output:
        stand_ins["speaker"] = ("wav_sink", {"file": args.output, "sync": not fast})
    try:
        graph = loader.load(
            args.file,
            overrides=overrides,
            stand_ins=stand_ins,
            require_available=require_available,
            text_input=_text_input(args),
        )
    except GraphError as error:
        raise GraphError([*map(_with_file, error.diagnostics)]) from error
    if fast:
        _refuse_fast(graph, bool(args.input))
    return graph


def _with_file(found: Diagnostic) -> Diagnostic:
    """Add to a finding about a missing device the option for a file instead; return others unchanged."""
    for role, option in (("mic", "--input question.wav"), ("speaker", "--output reply.wav")):
        if found.message.partition(f"nothing can play the role {role!r} here")[1] and not found.mend:
            return replace(found, mend=f"or use a file: {option}")
    return found


def _refuse_fast(graph: Graph, given: bool) -> None:
    """Refuse `--fast` for a graph that depends on the clock. Raises: GraphError."""
    if not given:
        raise GraphError([Diagnostic("--fast is for files", Place("--fast"), "add --input FILE")])
    for name, node in graph.nodes.items():
        plays = issubclass(node.cls, Sink) and node.values.get("sync", True)
        why = "has a pace of its own" if node.paced or plays else ""
        why = "answers the user as time goes by" if node.cls.generates else why
        if why:
            raise GraphError([Diagnostic(f"--fast: {name} {why}", Place("--fast"), "run it without --fast")])


def _text_input(args: argparse.Namespace) -> TextInput | None:
    """Return the text input for `--text` and `--mute`; None without them. Raises: GraphError for options that
    contradict each other."""
    text, mute = getattr(args, "text", False), getattr(args, "mute", False)
    if mute and not text:
        raise GraphError([Diagnostic("--mute is for typed turns", Place("--mute"), "add --text")])
    for option, given in (("--input", text and args.input), ("--output", mute and args.output)):
        if given:
            other = "--text" if option == "--input" else "--mute"
            message = f"{option} and {other} contradict one another"
            raise GraphError([Diagnostic(message, Place(option), "leave one of them out")])
    return TextInput(TYPED, alone=True, silent=mute) if text else None
