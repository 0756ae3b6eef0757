"""The ends of a graph that an application holds: found by what they are, named where they are missing."""

from __future__ import annotations

from typing import Any

import pytest

from vflow import Pipeline, VflowError, load
from vflow.session.ends import Ends


def ends(*links: str, **nodes: str) -> Ends:
    graph: dict[str, Any] = {"nodes": {n: {"use": use} for n, use in nodes.items()}, "links": [*links]}
    return Ends(Pipeline(load(graph)))


def test_they_are_found_whatever_their_names() -> None:
    found = ends("a -> b", a="app_source", b="app_sink")
    assert type(found.source).__name__ == "AppSource"
    assert type(found.output).__name__ == "AppSink"
    assert found.has_output
    with pytest.raises(VflowError, match="has no app_text: no generator in it takes text"):
        _ = found.typed


def test_missing_end_is_named_with_its_mend() -> None:
    found = ends("a.text -> b", a="app_text", b="console")
    assert not found.has_output
    with pytest.raises(VflowError, match="has no app_source: it takes no audio; add 'mic"):
        _ = found.source
    with pytest.raises(VflowError, match="has no app_sink: it sends no audio that could be played"):
        _ = found.output


def test_two_of_a_kind_are_refused() -> None:
    with pytest.raises(VflowError, match="has several app_source: a, b; a session takes one"):
        ends("a -> c", "b -> d", a="app_source", b="app_source", c="null", d="null")
