"""Labels in plain text, by what stands before and after them."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.decode import line_labels
from vflow_nodes.lib.decode.line_labels import TEXT, WAIT


def kind(before: str, text: str, whole: bool = True, steps: bool = False) -> str:
    return line_labels.label_at(before, text, whole, steps).kind


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("Hello.\n", "User: and you?"),
        ("Hello\n\n", "user: what is it"),
        ("Hello.\n", "**User:** Hi"),
        ("Hello.\n", "Human: thanks"),
        ("Hello.\n", "### Human: thanks"),
        ("Hello.\n", "### Instruction:\nMore"),
        ("Hello.\n", "[User]: hi"),
        ("", "User: hello"),
        ("It is sunny. ", "User: And tomorrow?"),
        ("It is sunny! ", "### User: and tomorrow?"),
    ],
)
def test_user_s_turn_is_known_where_a_line_or_a_sentence_begins(before: str, text: str) -> None:
    assert kind(before, text) == "turn"


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("The label says ", "User: admin"),
        ("Two roles exist. ", "User: can read."),
        ("Log in as:\n", "User: Admin"),
        ("Account found.\n", "User: jsmith42\nEmail: x"),
        ("Name: Bob\n", "User: Admin"),
        ("Hello.\n", "Users: 12"),
        ("Hello.\n", "Human beings: we"),
        ("Two roles:\n- ", "User: reads"),
        ("A dialog:\n", "Human: Hi"),
    ],
)
def test_user_followed_by_a_name_is_ordinary_text(before: str, text: str) -> None:
    assert kind(before, text) == "text"


@pytest.mark.parametrize(
    "text", ["U", "User", "User:", "User: ", "User: admin", "### Hum", "Thought", "Action: w", "A"]
)
def test_label_that_may_still_come_is_waited_for(text: str) -> None:
    assert line_labels.label_at("Hello.\n", text, False, False) is WAIT


@pytest.mark.parametrize("text", ["Use", "Hum", "The", "Actor", "Answer: 5"])
def test_text_waits_only_while_it_may_become_a_label(text: str) -> None:
    found = line_labels.label_at("Hello ", text, False, False)
    assert found is TEXT


@pytest.mark.parametrize(
    ("text", "steps", "found"),
    [
        ("Thought: hm", False, "thought"),
        ("Thought 2: hm", False, "thought"),
        ("Action: w\nAction Input: x", False, "action"),
        ("Action: w\nDone", False, "text"),
        ("Action: w\nDone", True, "action"),
        ("Observation: x", False, "text"),
        ("Observation: x", True, "observation"),
        ("Final Answer: x", False, "text"),
        ("Final Answer: x", True, "noise"),
        ("Cited Documents: 0", False, "line"),
    ],
)
def test_steps_are_known_at_a_line_s_start_and_some_only_after_another(
    text: str, steps: bool, found: str
) -> None:
    assert kind("Hello.\n", text, steps=steps) == found
    assert kind("Hello ", text, steps=steps) == "text"


@pytest.mark.parametrize(
    ("text", "length"),
    [("<co: 0>x", 7), ("</co: 1,2>x", 10), ("</co: 0:[1,2]>", 14), ("<co>", 4), ("<code>", 0), ("<co", 0)],
)
def test_citation_is_left_out(text: str, length: int) -> None:
    assert line_labels.citation(text, whole=True).length == length


@pytest.mark.parametrize(
    ("before", "text", "at", "kind"),
    [
        (" I", " look.\nAction: w", 7, "action"),
        (" I", " look.\n\nHello", 7, "noise"),
        ("", "\n\nI look", 8, "text"),
        ("", " I look.\n", 8, "wait"),
        ("", " I look.\nThen", 13, "text"),
    ],
)
def test_thought_ends_with_the_next_label_or_an_empty_line(
    before: str, text: str, at: int, kind: str
) -> None:
    place, label = line_labels.in_steps(before, text, whole=False)
    assert (place, label.kind) == (at, kind)


def test_line_ends_with_its_newline() -> None:
    assert line_labels.line_end("0,1\nAnswer")[0] == 3
    assert line_labels.line_end("0,1") == (3, TEXT)
