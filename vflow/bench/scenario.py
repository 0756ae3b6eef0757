"""The scenario: what is said in which order, and what interrupts the reply before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vflow.bench.speech import Clip

PROMPTS = (
    "Tell me about the history of Rome.",
    "Tell me about the ocean.",
    "Tell me about the city of Paris.",
)
"""The fixed prompts; longer replies are promised for these."""
QUESTIONS = ("How do I boil an egg?", "Why is the sky blue?", "What do bees make?")
"""Questions asked beside the bundled recording, if a voice is installed to speak them."""


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One turn: what is said, and whether it interrupts the reply to the step before."""

    clip: Clip
    interrupts: bool = False


def compose(turns: int, questions: Sequence[Clip], prompts: Sequence[Clip]) -> list[ScenarioStep]:
    """Return the steps of a scenario: question, prompt, question interrupted by the next, prompt, ...

    Of ten turns, three are prompts and three interrupt. Questions and prompts are repeated in a cycle.
    Without prompts, questions take their places.
    """
    asked, told = list(questions), list(prompts)
    steps = []
    for number in range(turns):
        at = number % 3
        from_prompts = at == 1 and told
        source = told if from_prompts else asked
        clip = source.pop(0)
        source.append(clip)
        steps.append(ScenarioStep(clip, interrupts=at == 0 and number > 0))
    return steps
