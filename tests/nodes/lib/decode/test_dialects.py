"""The table is one: no text means two things, and none hides another."""

from __future__ import annotations

from vflow_nodes.lib.decode import dialects


def texts() -> set[str]:
    return {marker.text.lower() for marker in dialects.markers()}


def test_no_marker_is_a_prefix_of_another() -> None:
    found = texts()
    hidden = {(a, b) for a in found for b in found if a != b and b.startswith(a)}
    assert hidden == set()


def test_every_thought_and_call_declares_its_closing_mark() -> None:
    for marker in dialects.markers():
        assert bool(marker.closers) == (marker.kind in ("thought", "call", "role")), marker


def test_no_mark_opens_two_kinds_of_text() -> None:
    kinds: dict[str, set[str]] = {}
    for marker in dialects.markers():
        kinds.setdefault(marker.text.lower(), set()).add(marker.kind)
    double = {text: found for text, found in kinds.items() if len(found) > 1}
    assert all("noise" in found for found in double.values()), double


def test_no_marker_is_an_ordinary_word() -> None:
    assert not {text for text in texts() if text.isalnum()}
