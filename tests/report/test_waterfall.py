"""The turns on a time line: a row each, its stages side by side, what was cut struck."""

from __future__ import annotations

import itertools
from typing import Any
from xml.etree import ElementTree

import pytest

from vflow.packet import MS
from vflow.picture.text_width import text_width
from vflow.report.turn import TurnRecord
from vflow.report.waterfall import NAMES, waterfall

SVG = "{http://www.w3.org/2000/svg}"
WHOLE = {
    "speech_start": 0, "voice_off": 700, "decided": 900, "transcript": 905, "first_word": 950, "voiced": 990,
    "audible": 1_000, "silent": 3_000, "reply_end": 3_000,
}  # fmt: skip


def turn(number: int = 1, user: str | None = "Why?", **at_ms: int) -> dict[str, Any]:
    cut = "flushed" in at_ms
    at_ns = {name: ms * MS for name, ms in at_ms.items()}
    return TurnRecord(number, user, interrupted=cut, at_ns=at_ns).as_dict()


def drawn(*turns: dict[str, Any], **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(waterfall("agent.yaml", turns, **options))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def bars(root: ElementTree.Element) -> list[tuple[str, float, float]]:
    """Return kind, left and right side of each bar in the rows."""
    return [
        (bar.attrib["class"], float(bar.attrib["x"]), float(bar.attrib["x"]) + float(bar.attrib["width"]))
        for row in root.iter(f"{SVG}g")
        for bar in row.iter(f"{SVG}rect")
    ]


def test_a_turn_is_a_row_whose_stages_follow_one_another() -> None:
    root = drawn(turn(**WHOLE), turn(2, **{name: ms + 5_000 for name, ms in WHOLE.items()}))
    found = bars(root)
    kinds = ["user", "endpoint", "transcript", "thinking", "voice", "device", "speaking"]
    assert [kind for kind, *_ in found] == kinds * 2
    assert all(one[2] <= other[1] + 1 for one, other in itertools.pairwise(found[:7]))
    assert found[:7] == found[7:], "each begins where the voice does"
    assert "300 ms" in texts(root)
    assert {"1. Why?", "2. Why?"} <= set(texts(root))


def test_stage_ended_by_an_interruption_is_struck_through() -> None:
    cut = {name: ms for name, ms in WHOLE.items() if name != "reply_end"}
    assert len([e for e in drawn(turn(**WHOLE)).iter(f"{SVG}path") if e.attrib["class"] == "strike"]) == 0
    root = drawn(turn(**{**cut, "flushed": 2_000, "silent": 2_010}))
    assert len([e for e in root.iter(f"{SVG}path") if e.attrib["class"] == "strike"]) == 1
    assert any("interrupted" in (e.text or "") for e in root.iter(f"{SVG}title"))


def test_turn_is_named_by_the_scenario_or_the_transcript() -> None:
    assert "1. Why & how?" in texts(drawn(turn(user="Y an how", **WHOLE), said={1: "Why & how?"}))


@pytest.mark.parametrize(
    "user", ["<script>alert(1)</script>", 'a "quote" & more', "\x00\x1b[2J\ud800", "長い" * 200, None]
)
def test_texts_of_all_kinds_stay_in_their_column_and_are_escaped(user: str | None) -> None:
    root = drawn(turn(user=user, **WHOLE))
    (name,) = [text for text in texts(root) if text.startswith("1.")]
    assert text_width(name, 11) <= NAMES
    assert not list(root.iter(f"{SVG}script"))


def test_nothing_leaves_the_picture() -> None:
    root = drawn(turn(**{name: ms * 60 for name, ms in WHOLE.items()}), turn(2, decided=0, flushed=10))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for kind, left, right in bars(root):
        assert 0 <= left <= right <= width, kind
    for text in root.iter(f"{SVG}text"):
        assert float(text.attrib["x"]) < width
        assert float(text.attrib["y"]) < height


def test_a_run_without_a_turn_says_so() -> None:
    assert "no turn was answered" in texts(drawn())
    assert "no turn was answered" in texts(drawn(turn(speech_start=0)))
