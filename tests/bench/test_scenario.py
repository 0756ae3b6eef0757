"""In which order things are said to a pipeline."""

from __future__ import annotations

from tests.scripted_agent import utterance
from vflow.bench.scenario import PROMPTS, compose


def said(turns: int, prompts: int = 2) -> list[str]:
    questions = [utterance(f"q{n}") for n in range(2)]
    told = [utterance(f"p{n}", fixed=True) for n in range(prompts)]
    return [f"{'!' * s.interrupts}{s.clip.said}" for s in compose(turns, questions, told)]


def test_a_third_are_prompts_and_a_third_interrupt_a_question() -> None:
    assert said(10) == ["q0", "p0", "q1", "!q0", "p1", "q1", "!q0", "p0", "q1", "!q0"]


def test_of_ten_turns_three_are_prompts_and_three_interrupt() -> None:
    steps = compose(10, [utterance()], [utterance(text, fixed=True) for text in PROMPTS])
    assert [s.clip.said for s in steps if s.clip.fixed] == list(PROMPTS)
    assert sum(step.interrupts for step in steps) == 3


def test_without_prompts_questions_take_their_place() -> None:
    assert said(4, prompts=0) == ["q0", "q1", "q0", "!q1"]


def test_one_turn_is_one_question() -> None:
    assert said(1) == ["q0"]
