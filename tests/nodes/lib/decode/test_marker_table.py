from __future__ import annotations

import pytest

from vflow_nodes.lib.decode.dialects import Marker
from vflow_nodes.lib.decode.marker_table import BARE, RECIPIENT, MarkerTable, inside_table, speech_table

END = Marker("<end>", "end")
TABLE = MarkerTable([END, Marker("<enter>", "noise")])


def test_the_first_marker_of_a_text_is_found_whatever_its_case() -> None:
    assert TABLE.find("a <b <END> c<enter>", whole=False) == (5, 5, END)


@pytest.mark.parametrize(("text", "at"), [("a <", 2), ("a <En", 2), ("<<ente", 1)])
def test_a_beginning_that_may_become_a_marker_is_found_at_the_end_alone(text: str, at: int) -> None:
    assert TABLE.find(text, whole=False) == (at, len(text) - at, None)
    assert TABLE.find(text, whole=True) == (len(text), 0, None)
    assert TABLE.find(f"{text}x ", whole=False) == (len(text) + 2, 0, None)


def test_a_special_token_is_a_marker_by_its_whole_text() -> None:
    assert TABLE.get("<end>") is END
    assert TABLE.get("<end> ") is None


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ('{"name": "w"', 8), ("{ 'arguments':", 14), ('[{"function" :', 14), ("[f(a=1)]", 5), ("[f.g()]", 6),
        ('```json\n{"name": ', 16), ("```python\n[f()]", 14),
    ],
)  # fmt: skip
def test_a_call_without_a_mark_is_known_by_how_it_begins(text: str, length: int) -> None:
    table = speech_table()
    assert table.find(text, whole=False, bare=True) == (0, length, BARE)
    for cut in range(1, length):
        assert table.find(text[:cut], whole=False, bare=True) == (0, cut, None), text[:cut]


@pytest.mark.parametrize(
    "text", ["{x", '{"age": ', "[1", "[guide](", "[note(s)", "[f(x)", "`a", "```py\ng", '[["name": ', "> x"]
)
def test_the_beginning_of_a_call_is_dropped_at_the_first_other_character(text: str) -> None:
    assert speech_table().find(text, whole=False, bare=True) == (len(text), 0, None)


def test_a_call_without_a_mark_begins_at_a_word_s_start() -> None:
    assert speech_table().find('x{"name": ', whole=False, bare=True)[2] is None
    assert speech_table().find('{"name": ', whole=False, bare=True, after="x")[2] is None


def test_a_recipient_is_named_at_a_line_s_start() -> None:
    assert speech_table().find(">>>all\n", whole=False, bare=True, after="\n")[2] is RECIPIENT
    assert speech_table().find(">>>all\n", whole=False, bare=True, after=" ")[2] is None


def test_inside_a_thought_only_its_closing_mark_and_ends_of_reply_count() -> None:
    table = inside_table(("</think>",), thought=True)
    assert table.find("a </reason> </think>", whole=False)[0] == 12
    found = table.find("a <|im_end|>", whole=False)[2]
    assert found is not None
    assert found.kind == "end"


def test_texts_of_a_template_end_a_reply_too() -> None:
    found = speech_table(("\n### User:",)).find("Hi.\n### user: x", whole=False, bare=True)
    assert found[:2] == (3, 10)
