"""How one model marks up its replies, and where in a reply its speech begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vflow_nodes.lib.decode import dialects
from vflow_nodes.lib.decode.speech import SpeechParser

FORGIVEN = 3
"""Replies in a row without a thought, after which a model that once closed an unopened one speaks at once."""


@dataclass(slots=True)
class Habit:
    """How the model's replies have begun when no prompt told. The engine's thread writes it."""

    begins: Literal["unknown", "speech", "thought"] = "unknown"
    spoken: int = 0
    """Replies in a row that waited for the end of a thought and had none."""


@dataclass(frozen=True, slots=True, eq=False)
class Markup:
    """specials: the texts of special tokens, by id. thinks: the tokenizer or the template knows a tag that
    closes a thought. stops: texts that end a reply. plain: the model has no template."""

    specials: Mapping[int, str] = field(default_factory=dict)
    thinks: bool = False
    stops: tuple[str, ...] = ()
    plain: bool = False
    habit: Habit = field(default_factory=Habit)

    def unsure(self, prompt: str) -> bool:
        """Return whether a reply to a prompt with this end may begin in a thought, and nothing tells."""
        return self.parser(prompt).held

    def parser(self, prompt: str) -> SpeechParser:
        """Return the parser of a reply to a prompt with this end. It is in speech, or in a thought that the
        prompt opened, or it holds text back until that is known."""
        parser = SpeechParser(self.stops, plain=self.plain)
        turn = _turn(prompt)
        tags = ("<|message|>", *(tag for pair in dialects.thought_pairs() for tag in pair))
        decided = parser.resume(turn) and any(tag.lower() in turn.lower() for tag in tags)
        if not parser.withheld:
            begins = self.habit.begins
            parser.text.held = begins == "thought" or (begins == "unknown" and self.thinks and not decided)
        return parser

    def learn(self, parser: SpeechParser, whole: bool) -> None:
        """Learn from a reply that is over; `whole`: it came to its end. The engine's thread."""
        habit = self.habit
        if parser.lone:
            habit.begins, habit.spoken = "thought", 0
        elif whole and parser.held and parser.said:
            habit.spoken += 1
            if habit.begins == "unknown" or habit.spoken >= FORGIVEN:
                habit.begins = "speech"


def _turn(prompt: str) -> str:
    """Return the last part of a prompt, in which the assistant's turn begins: its header with what follows.
    If there is none, return the tag of a thought at the end, if there is one."""
    marks = [*dialects.HEADERS, *(text for text, role in dialects.ROLES if role == "assistant")]
    marks = [mark for mark in marks if mark not in ("<|channel|>", "<|recipient|>")]
    start = max(prompt.rfind(mark) for mark in marks)
    if start >= 0:
        return prompt[start:]
    end = prompt.rstrip()
    tags = [*(tag for pair in dialects.thought_pairs() for tag in pair), ">>>"]
    return next((tag for tag in tags if end.endswith(tag)), "")
