"""Only speech is said, in whatever pieces the text of a reply comes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples
from tests.nodes.lib.decode.test_tool_calls import DIALECTS
from vflow_nodes.lib.decode import dialects
from vflow_nodes.lib.decode.speech import SpeechParser

W: dict[str, Any] = {"city": "Oslo"}
JSON = '{"name": "w", "arguments": {"city": "Oslo"}}'
Call = tuple[str, dict[str, Any]]
REPLIES: list[tuple[str, str, list[Call]]] = [
    ("<think>\nOkay.\n</think>\n\nHello! How?", "Hello! How?", []),
    ("Hello<think>hm, <think> again</think>friend.", "Hello friend.", []),
    ("<think>never </thinking> closed", "", []),
    ("<think>a call: <tool_call> or not</think>Hi.", "Hi.", []),
    ("<think>over<|im_end|></think>Hi.", "", []),
    ("<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>Hi<|END_RESPONSE|>", "Hi", []),
    ("<think>x</think><answer>Hi.</answer>", "Hi.", []),
    ("Thoughts of mine.</think>Hello.", "Thoughts of mine. Hello.", []),
    ("</think>Hello.", "Hello.", []),
    (f"<tool_call>\n{JSON}\n</tool_call>", "", [("w", W)]),
    (f"Ok. <tool_call>{JSON}</tool_call><tool_call>{JSON}</tool_call> Done.", "Ok. Done.", [("w", W)] * 2),
    (f"[TOOL_CALLS][{JSON}]", "", [("w", W)]),
    ('[TOOL_CALLS]w[ARGS]{"city": "Os]lo"} One moment.', "One moment.", [("w", {"city": "Os]lo"})]),
    ('[TOOL_CALLS]w[CALL_ID]a1[ARGS]{"city": "Oslo"}[TOOL_CALLS]v[ARGS]{}', "", [("w", W), ("v", {})]),
    ("[TOOL_CALLS] what was it", "", [("", {})]),
    (JSON, "", [("w", W)]),
    (f"{JSON}; {JSON}, and so on.", "and so on.", [("w", W)] * 2),
    (f"Sure. {JSON}\nDone.", "Sure. Done.", [("w", W)]),
    (f"```json\n{JSON}\n```\nDone.", "Done.", [("w", W)]),
    ('[w(city="Oslo"), now()]', "", [("w", W), ("now", {})]),
    (f"<|python_tag|>{JSON}<|eom_id|>more", "", [("w", W)]),
    ('<|python_tag|>search.call(q="x")', "", [("search.call", {"q": "x"})]),
    (f"<|tool_call|>[{JSON}]", "", [("w", W)]),
    (f"<|tool_call|>[{JSON}]<|/tool_call|>", "", [("w", W)]),
    (f"functools[{JSON}]", "", [("w", W)]),
    ('```tool_code\nprint(w(city="Oslo"))\n```\nDone.', "Done.", [("w", W)]),
    ("<antthinking>Hm.</antthinking>Hi.", "Hi.", []),
    ('<function=w>{"city": "Oslo"}</function>', "", [("w", W)]),
    ("<tool_call><function=w>\n<parameter=city>\nOslo\n</parameter></function></tool_call>", "", [("w", W)]),
    ("<tool_call>w\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n</tool_call>", "", [("w", W)]),
    ('<|tool_call_start|>[w(city="Oslo")]<|tool_call_end|>Let me see.', "Let me see.", [("w", W)]),
    (">>>w\n{\"city\": \"Oslo\"}\n>>>all\nHi.", "Hi.", [("w", W)]),
    ("<|recipient|>all\n<|content|>Hi<|stop|>", "Hi", []),
    ('<tool_call>{"name": "w", "argu', "", [("", {})]),
    ('{"name": "w", "arguments": {"a": ', "", [("", {})]),
    ("<tool_call>w</tool_call><tool_response>12</tool_response>It is warm.", "It is warm.", [("", {})]),
    (
        "<|channel|>analysis<|message|>Hm.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Hello there.<|return|>",
        "Hello there.",
        [],
    ),
    (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.w "
        '<|constrain|>json<|message|>{"city": "Oslo"}<|call|>',
        "",
        [("w", W)],
    ),
    ("<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye", "Hello.", []),
    ("<|im_start|>user\nBye", "", []),
    ("Hello.<|im_start|>assistant\nAgain.", "Hello.", []),
    ("Hi friend.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nIs that all?", "Hi friend.", []),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nHi.", "Hi.", []),
    ("<|im_start|>assistant<think>x</think>Hi.", "Hi.", []),
    ("<|assistant|>\nHi.<|user|>More", "Hi.", []),
    ("Hi.</s>More", "Hi.", []),
    (f"Action:```json\n[{JSON}]\n```", "", [("w", W)]),
    (f"I will look.\nAction: ```json\n{JSON}\n```\nDone.", "I will look. Done.", [("w", W)]),
    ('Action: {"action": "w", "action_input": {"city": "Oslo"}}\nDone.', "Done.", [("w", W)]),
    ('Thought: x\nAction: {"action": "Final Answer", "action_input": "It is warm."}', "It is warm.", []),
    (
        'Thought: I look.\nAction: w\nAction Input: {"city": "Oslo"}\nObservation: 12\nThought: Now I know.\n'
        "Final Answer: It is warm.",
        "It is warm.",
        [("w", W)],
    ),
    ("Thought 1: x\nAction 1: Search[Oslo]\nObservation 1: y\nAction 2: Finish[Yes.]", "Yes.",
     [("Search", {"input": "Oslo"})]),
    ("Sure.\nAction: w\nAction Input: Oslo\n\nDone.", "Sure. Done.", [("w", {"input": "Oslo"})]),
    ("The <co: 0>tallest</co: 0> is <co: 1,2>here</co: 1,2>.", "The tallest is here.", []),
    ("Hi.\nUser: And you?\nAssistant: Well.", "Hi.", []),
]  # fmt: skip
LABELS = [
    "User", "Human:", "###", "Thought:", "\nAction:", "Action Input:", "\nObservation:", "Final Answer:",
    "\n\n", "<co", ": 0>", "Answer:", "Assistant:",
]  # fmt: skip
PLAIN = [
    '{"name": "Ann", "age": 3} is JSON.',
    'a < b and [1] and { x } and "if x<y" `code` ``` more <',
    "See [the guide](http://x) [note(s)] f(x) functional <b>bold</b> > quote",
    "It has {, [, ` and <thin air>, 3<4.",
    "The label says User: admin. Decision: go.\nAction: Bob writes.\nAnswer: yes. <code> <co",
    "[",
]


def parsed(parser: SpeechParser, pieces: list[str]) -> str:
    return "".join([*map(parser.push, pieces), parser.finish()])


def cut(text: str, places: set[int]) -> list[str]:
    edges = [0, *sorted(place for place in places if 0 < place < len(text)), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def calls_of(parser: SpeechParser) -> list[Call]:
    return [(call.name, dict(call.arguments)) for call in parser.calls]


@pytest.mark.parametrize(("text", "speech", "calls"), REPLIES)
def test_only_speech_is_said_however_the_reply_is_cut(text: str, speech: str, calls: list[Call]) -> None:
    whole = SpeechParser()
    said = parsed(whole, [text])
    assert " ".join(said.split()) == speech
    assert calls_of(whole) == calls

    @examples(15)
    @given(st.sets(st.integers(1, len(text)), max_size=12))
    def check(places: set[int]) -> None:
        parser = SpeechParser()
        assert parsed(parser, cut(text, places)) == said
        assert calls_of(parser) == calls

    check()
    letters = SpeechParser()
    assert parsed(letters, list(text)) == said


@pytest.mark.parametrize("text", PLAIN)
def test_text_that_only_looks_like_a_mark_is_said(text: str) -> None:
    parser = SpeechParser()
    assert parsed(parser, list(text)) == text
    assert not parser.marks or not parser.calls


@examples(200)
@given(
    st.lists(
        st.sampled_from(
            [*'ab <>[]{}`|/\n.:"', *LABELS, "think", "<think>", "</think>", "tool_call", "```", JSON]
        ),
        max_size=20,
    )
)
def test_any_text_is_said_the_same_in_any_pieces(parts: list[str]) -> None:
    text = "".join(parts)
    letters, whole = SpeechParser(), SpeechParser()
    assert parsed(letters, list(text)) == parsed(whole, [text])
    assert (letters.inside, letters.lone, letters.leaked) == (whole.inside, whole.lone, whole.leaked)
    assert calls_of(letters) == calls_of(whole)


@pytest.mark.parametrize("pair", [*dialects.thought_pairs(), *dialects.RESULT_PAIRS])
def test_every_thought_of_the_table_is_withheld(pair: tuple[str, str]) -> None:
    parser = SpeechParser()
    assert parsed(parser, list(f"{pair[0]}no{pair[1]}Yes.")).split() == ["Yes."]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_of_calls_is_withheld_between_its_marks(dialect: str) -> None:
    raw, calls = DIALECTS[dialect]
    parser = SpeechParser()
    assert parsed(parser, [f"Wait. <tool_call>{raw}</tool_call> Done."]).split() == ["Wait.", "Done."]
    assert calls_of(parser) == calls


@pytest.mark.parametrize("text", dialects.ENDS)
def test_every_end_of_the_table_ends_the_reply(text: str) -> None:
    parser = SpeechParser()
    assert parser.push(f"Hi.{text}More").strip() == "Hi."
    assert parser.ended
    assert parser.push("More") == parser.finish() == ""


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        ("Hello ", "Hello "),
        ("a <", "a "),
        ("f", ""),
        ("{", ""),
        ("x {y", "x {y"),
        ("[1", "[1"),
        ("a\n", "a\n"),
    ],
)
def test_text_is_held_back_only_while_it_may_become_a_mark(piece: str, said: str) -> None:
    assert SpeechParser().push(piece) == said


def test_special_token_is_a_whole_mark_and_decides_held_text() -> None:
    parser = SpeechParser()
    assert parser.push("a <") == "a "
    assert parser.push("<think>", special=True) == "< "
    assert parser.push("no") == ""
    assert parser.push("<other>", special=True) == ""
    assert parser.push("</think>", special=True) == ""
    assert parser.push("yes") == "yes"


def test_special_tokens_inside_a_call_belong_to_its_text() -> None:
    parser = SpeechParser()
    for text in ("[TOOL_CALLS]", "w", "[ARGS]", '{"city": "Oslo"}'):
        assert parser.push(text, special=text[0] == "[") == ""
    assert calls_of(parser) == [("w", W)]
    for text in ("<|start|>", "assistant", "<|channel|>", "final", "<|message|>", "Hi."):
        said = parser.push(text, special=text[0] == "<")
    assert said == "Hi."


def test_held_beginning_is_a_thought_if_a_tag_closes_it() -> None:
    parser = SpeechParser(held=True)
    assert parser.push("Okay, they greet.") == ""
    assert parser.withheld
    assert parser.push("</think>Hello.") == "Hello."
    assert (parser.lone, parser.leaked, parser.held) == (True, False, False)


def test_held_beginning_is_speech_if_the_reply_ends() -> None:
    assert parsed(SpeechParser(held=True), ["Hello ", "there."]) == "Hello there."
    cut_off = SpeechParser(held=True)
    cut_off.push("Hello there.")
    assert cut_off.finish(whole=False) == ""


def test_a_reply_that_opens_its_thought_itself_is_held_no_longer() -> None:
    parser = SpeechParser(held=True)
    assert parser.push("\n<think>x</think>Hello ").strip() == "Hello"
    assert parser.push("there ") == "there "


def test_tag_that_closes_spoken_text_is_reported() -> None:
    parser = SpeechParser()
    assert parser.push("Okay. </think>Hello.") == "Okay. Hello."
    assert (parser.lone, parser.leaked) == (True, True)


def test_a_tag_that_closes_a_thought_again_is_left_out() -> None:
    parser = SpeechParser()
    assert parsed(parser, ["<think>x</think>Hello</think> you."]).split() == ["Hello", "you."]
    assert not parser.lone


def test_a_model_without_a_template_does_not_say_its_own_name() -> None:
    assert parsed(SpeechParser(plain=True), [" Assist", "ant: Hello Assistant: you"]).split() == [
        "Hello", "Assistant:", "you",
    ]  # fmt: skip
    assert parsed(SpeechParser(), ["Assistant: Hello"]) == "Assistant: Hello"


def test_reply_ends_where_the_model_begins_the_user_s_turn() -> None:
    assert parsed(SpeechParser(("\n### User:",)), ["Hello.\n", "### User:", " And?"]) == "Hello."
