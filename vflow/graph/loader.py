"""Turn a graph file into a checked graph, by a list of passes over a draft.

All findings are collected, and `load` raises them together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vflow.errors import Diagnostic, GraphError, Place
from vflow.graph.document import read
from vflow.graph.draft import Draft
from vflow.graph.echo_cancellation import cancel_echo
from vflow.graph.expansion import expand
from vflow.graph.graph import Graph
from vflow.graph.linker import cut_long_chains, leave_out_unheard
from vflow.graph.negotiation import negotiate
from vflow.graph.overrides import Overrides, StandIns, TextInput
from vflow.graph.registry import NodeClass, Registry
from vflow.graph.simultaneous_audio import refuse_simultaneous_audio
from vflow.graph.spoken_form import insert_spoken_form
from vflow.graph.text_input import add_text_input
from vflow.graph.whole_graph_checks import (
    refuse_blocking_cycle,
    refuse_file_clashes,
    refuse_unavailable,
    refuse_unfed_inputs,
    refuse_unused_overrides,
)
from vflow.graph.yaml_reader import parse, read_file

Pass = Callable[[Draft], None]
PASSES: tuple[Pass, ...] = (
    expand,
    leave_out_unheard,
    add_text_input,
    refuse_unavailable,
    cancel_echo,
    insert_spoken_form,
    negotiate,
    refuse_unused_overrides,
    refuse_simultaneous_audio,
    refuse_blocking_cycle,
    refuse_unfed_inputs,
    refuse_file_clashes,
    cut_long_chains,
)
THROUGH_ERRORS: tuple[Pass, ...] = (
    expand,
    refuse_unavailable,
    refuse_unused_overrides,
    refuse_blocking_cycle,
    refuse_file_clashes,
)
"""Passes that run even after errors; any other pass would report the same mistake once more."""


def load(
    graph: str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, str] | None = None,
    stand_ins: StandIns | None = None,
    nodes: Mapping[str, NodeClass] | None = None,
    require_available: bool = True,
    require_stand_ins: bool = True,
    text_input: TextInput | None = None,
) -> Graph:
    """Read and check a graph: a file, its text, or a mapping of the same keys. The file may be a bin's; it
    then runs with the defaults of its `params`.

    overrides: properties by "node.property", as text.
    stand_ins: for a role, the node and properties to use in the place of what plays it.
    nodes: node classes by name, beside the installed ones.
    require_available: if false, a missing model or package is a warning, not an error.
    require_stand_ins: if false, a stand-in for a role that no node plays is ignored, not an error.
    text_input: lets the user type.

    Raises: GraphError with every finding. No model is loaded and no device is opened.
    """
    if isinstance(graph, Mapping):
        text, file = _text_of(graph), "<mapping>"
    elif isinstance(graph, str) and "\n" in graph:
        text, file = graph, "<text>"
    else:
        text, file = read_file(Path(graph)), str(graph)
    return load_text(
        text,
        file=file,
        overrides=overrides,
        stand_ins=stand_ins,
        nodes=nodes,
        require_available=require_available,
        require_stand_ins=require_stand_ins,
        text_input=text_input,
    )


def load_text(
    text: str,
    *,
    file: str = "<text>",
    overrides: Mapping[str, str] | None = None,
    stand_ins: StandIns | None = None,
    nodes: Mapping[str, NodeClass] | None = None,
    require_available: bool = True,
    require_stand_ins: bool = True,
    text_input: TextInput | None = None,
) -> Graph:
    """Do what `load` does for a graph without a file; its relative paths start at the working directory."""
    diagnostics: list[Diagnostic] = []
    document = read(parse(text, file), file, diagnostics)
    changes = Overrides(overrides, stand_ins, require_stand_ins)
    draft = Draft(document, Registry(nodes), changes, require_available, text_input)
    draft.diagnostics[:0] = diagnostics
    for step in PASSES:
        if draft.sound or step in THROUGH_ERRORS:
            step(draft)
    if not draft.sound:
        raise GraphError(sorted(dict.fromkeys(draft.findings()), key=_by_place))
    return draft.frozen()


def _text_of(graph: Mapping[str, Any]) -> str:
    """Return a graph made by a program as text. Raises: GraphError for values that no graph file can hold."""
    try:
        return json.dumps(graph, ensure_ascii=False, allow_nan=False, indent=1)
    except (TypeError, ValueError, RecursionError) as error:
        mend = "use mappings, lists, texts and numbers, as a graph file does"
        raise GraphError(
            [Diagnostic(f"the mapping is no graph: {error}", Place("<mapping>"), mend)]
        ) from error


def _by_place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    place = diagnostic.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)
