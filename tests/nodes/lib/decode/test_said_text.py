"""Speech on its way out: what waits, and what labels withhold."""

from __future__ import annotations

from vflow_nodes.lib.decode.said_text import SaidText
from vflow_nodes.lib.decode.tool_calls import ToolCall


def test_text_that_cannot_begin_a_label_is_said_at_once() -> None:
    text = SaidText(held=False)
    text.take("Hello ")
    assert text.said() == "Hello "
    text.take("Us")
    assert (text.said(), text.pending) == ("Us", False)


def test_beginning_of_a_label_waits_where_a_line_begins() -> None:
    text = SaidText(held=False)
    text.take("Hello.\nUs")
    assert (text.said(), text.pending) == ("Hello.\n", True)
    text.take("ually")
    assert text.said() == "Usually"


def test_user_s_turn_ends_it_and_says_by_which_label() -> None:
    text = SaidText(held=False)
    text.take("Hello.\n### Human: And you?")
    assert text.said() == "Hello.\n"
    assert (text.ended, text.turn, text.marks) == (True, "### Human:", 1)
    text.take("More")
    assert text.said(whole=True) == ""


def test_held_text_is_kept_to_the_end_or_dropped() -> None:
    text = SaidText(held=True)
    text.take("Hello.")
    assert (text.said(), text.any, text.kept) == ("", True, "Hello.")
    assert text.said(whole=True) == "Hello."
    text = SaidText(held=True)
    text.take("Hm.")
    text.drop()
    text.take("Hello.")
    assert text.said() == "Hello."


def test_a_step_has_its_place_and_its_call() -> None:
    text = SaidText(held=False)
    text.take("Thought: hm")
    assert (text.said(), text.inside) == ("", "thought")
    text.take("\nAction: w\nAction Input: Oslo")
    assert (text.said(), text.inside) == ("", "call")
    text.take("\nFinal Answer: Yes.")
    assert (text.said().strip(), text.inside) == ("Yes.", "speech")
    assert [(call.name, dict(call.arguments)) for call in text.calls] == [("w", {"input": "Oslo"})]


def test_tool_that_says_the_answer_is_no_call() -> None:
    text = SaidText(held=False)
    text.enter([ToolCall("final_answer", {"input": "Yes."}), ToolCall("w")])
    assert text.said(whole=True).strip() == "Yes."
    assert [call.name for call in text.calls] == ["w"]
