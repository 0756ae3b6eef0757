from __future__ import annotations

import pytest

from vflow_nodes.lib.decode.markup import FORGIVEN, Habit, Markup

ASKED = "<|im_start|>user\nWhat is <think>?<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("prompt", "inside"),
    [
        (f"{ASKED}<think>\n", "thought"),
        (f"{ASKED}<think>\n\n</think>\n\n", "speech"),
        (ASKED, "speech"),
        ("<|im_start|>user\nWhat is <think><|im_end|>\n", "speech"),
        ("[INST] Hi [/INST][THINK]", "thought"),
        ("<｜User｜>Hi<｜Assistant｜></think>", "speech"),  # noqa: RUF001
        ("<｜User｜>Hi<｜Assistant｜><think>\n", "thought"),  # noqa: RUF001
        ("<|user|>\nHi<|assistant|>\n<think></think>\n", "speech"),
        ("<seed:bos>assistant\n<seed:think>", "thought"),
        ("USER: Hi ASSISTANT: <think>\n", "thought"),
        ("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_THINKING|>", "thought"),
        ("<|start|>user<|message|>Hi<|end|><|start|>assistant", "header"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "thought"),
        ("<|start|>assistant<|channel|>final<|message|>", "speech"),
        ("<|start_header_id|>assistant<|end_header_id|>\n\n>>>", "header"),
        ("", "speech"),
    ],
)
def test_reply_begins_in_the_state_in_which_its_prompt_ends(prompt: str, inside: str) -> None:
    parser = Markup().parser(prompt)
    assert parser.inside == inside
    assert not any((parser.held, parser.ended, parser.lone, parser.calls, parser.marks, parser.said))


def test_reply_to_a_prompt_that_opens_a_thought_is_said_after_the_thought() -> None:
    parser = Markup().parser(f"{ASKED}<think>\n")
    assert parser.push("Okay.</think>Hello.") == "Hello."
    assert not parser.lone


def test_reply_continues_an_open_harmony_header_of_its_prompt() -> None:
    parser = Markup().parser("<|start|>assistant")
    assert parser.push("<|channel|>final<|message|>Hi.") == "Hi."


def test_beginning_is_held_if_the_model_may_think_unannounced() -> None:
    markup = Markup(thinks=True)
    assert markup.unsure(ASKED)
    assert not markup.unsure(f"{ASKED}<think>\n\n</think>\n\n")
    assert not markup.unsure(f"{ASKED}<think>\n")
    assert not markup.unsure("<｜User｜>Hi<｜Assistant｜></think>")  # noqa: RUF001
    assert not markup.unsure("<|start|>assistant<|channel|>final<|message|>")
    assert not Markup().unsure(ASKED)


def test_model_that_never_thought_so_far_is_not_held() -> None:
    markup = Markup(thinks=True)
    parser = markup.parser(ASKED)
    parser.push("Hello.")
    markup.learn(parser, whole=False)
    assert markup.unsure(ASKED)
    markup.learn(parser, whole=True)
    assert not markup.unsure(ASKED)


def test_model_that_closed_an_unopened_thought_is_held() -> None:
    for markup in (Markup(), Markup(thinks=True, habit=Habit("speech"))):
        parser = markup.parser(ASKED)
        assert not parser.held
        parser.push("Okay.</think>Hello.")
        markup.learn(parser, whole=True)
        assert markup.unsure(ASKED)
        assert markup.unsure(f"{ASKED}<think>\n\n</think>\n\n")


def test_model_that_stopped_thinking_is_no_longer_held() -> None:
    markup = Markup(habit=Habit("thought"))
    for _ in range(FORGIVEN):
        assert markup.unsure(ASKED)
        parser = markup.parser(ASKED)
        parser.push("Hello.")
        markup.learn(parser, whole=True)
    assert not markup.unsure(ASKED)
