"""The turns on a time line."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.bench.test_evidence import turn
from vflow.bench.chart import draw


def test_the_picture_has_a_row_for_each_turn() -> None:
    turns = [
        turn(1, 0, 900, voice_off=700, first_word=910, audible=1000, silent=3000),
        turn(2, 5000, 5900, voice_off=5700),
    ]
    told = {
        "pipeline": "a<b>.yaml",
        "scenario": [{"turn": 1, "said": "Why & how?"}, {"turn": None, "said": "unheard"}],
        "turns": [t.as_dict() for t in turns],
    }
    root = ElementTree.fromstring(draw(told))
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "1. Why & how?" in texts
    assert any(text.startswith("2. ") for text in texts)
    assert "300 ms" in texts
    assert {"| decided", "| first word", "ms: the wait"} <= set(texts)
    width = float(root.attrib["width"])
    assert all(float(e.attrib["x"]) < width for e in root.iter("{http://www.w3.org/2000/svg}text"))
