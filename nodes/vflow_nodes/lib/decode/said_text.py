"""The speech of a reply on its way out: hold back an undecided beginning, and find labels in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from vflow_nodes.lib.decode import line_labels
from vflow_nodes.lib.decode.line_labels import NEAR, Label
from vflow_nodes.lib.decode.tool_calls import CallText, ToolCall

Inside = Literal["speech", "thought", "call"]
FINAL = ("final answer", "finish")
"""The tools by which agents give their answer: LangChain's and ReAct's."""


class SaidText:
    """Takes text that no mark withholds, and returns the part of it that is said. One thread.

    held: nobody knows whether the reply begins in a thought; all text is kept until `finish`.
    any: there was text, even if kept. inside: where the labels have led.
    turn: the label that began the user's turn, after which nothing is said. marks: how many labels there
    were.
    """

    def __init__(self, held: bool) -> None:
        self.held = held
        self.any = False
        self.last = "\n"
        """The last character taken."""
        self.inside: Inside = "speech"
        self.ended = False
        self.turn = ""
        self.marks = 0
        self.calls: list[ToolCall] = []
        self._kept: list[str] = []
        self._out: list[str] = []
        self._rest = ""  # taken, and not decided yet
        self._before = ""  # the end of what was said
        self._steps = False  # whether ReAct's labels have come
        self._line = False  # whether the withheld text ends with its line
        self._span = ""  # the end of the withheld text
        self._call = ""

    @property
    def pending(self) -> bool:
        """Whether some text waits for more, to be decided."""
        return bool(self._rest)

    @property
    def kept(self) -> str:
        """The text that is held back."""
        return "".join(self._kept)

    def take(self, text: str) -> None:
        """Take more text."""
        if text:
            self._kept.append(text)
            self.any = self.any or not text.isspace()
            self.last = text[-1]
            self._decide(whole=False)

    def enter(self, calls: Iterable[ToolCall]) -> None:
        """Take calls that were withheld before. If one is the tool of an agent's answer, say the answer."""
        for answer in self._answers(calls):
            self._steps = True
            self.take(f"\n{FINAL[0]}: {answer}")

    def _answers(self, calls: Iterable[ToolCall]) -> Iterator[str]:
        for call in calls:
            if call.name.lower().replace("_", " ") in FINAL:
                yield str(next(iter(call.arguments.values()), ""))
            else:
                self.calls.append(call)

    def drop(self) -> None:
        """Forget the text that is held back: it is not said."""
        if self.held:
            self.held, self._kept = False, []

    def said(self, whole: bool = False) -> str:
        """Return the text that is decided; `whole`: no more text comes."""
        self._decide(whole)
        out, self._out = "".join(self._out), []
        return out

    def _decide(self, whole: bool) -> None:
        if self.held and not whole:
            return
        self._rest += self.kept
        self._kept = []
        while self._rest and not self.ended and self._step(whole):
            pass
        if self.ended:
            self._rest = ""
        if whole and self.inside == "call":
            self._close_call()

    def _step(self, whole: bool) -> bool:
        """Decide about the next part. Return False if that needs more text."""
        if self.inside == "speech":
            at, label = line_labels.find(self._before, self._rest, whole, self._steps)
            self._say(self._rest[:at])
        elif self._line:
            at, label = line_labels.line_end(self._rest)
        elif self.inside == "call":
            at, label = self._in_call(whole)
        else:
            at, label = line_labels.in_steps(self._span, self._rest, whole)
            self._span = (self._span + self._rest[:at])[-NEAR:]
        self._rest = self._rest[at:]
        if label.kind in ("text", "wait"):
            return False
        if self.inside == "call":
            self._close_call()
        elif self.inside == "thought":
            self.inside, self._line, self._before = "speech", False, self._before + "\n"
        self._act(label)
        return True

    def _say(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._before = (self._before + text)[-NEAR:]

    def _act(self, label: Label) -> None:
        """Go where a label leads."""
        self.marks += 1
        self._rest = self._rest[label.length :]
        if label.kind == "turn":
            self.ended, self.turn = True, label.name
        elif label.kind == "own":
            self.ended = self._before.strip() != ""
        elif label.kind in ("thought", "observation", "line"):
            self.inside, self._line, self._span, self._steps = "thought", label.kind == "line", "", True
        elif label.kind == "action":
            self.inside, self._steps, self._call = "call", True, ""

    def _in_call(self, whole: bool) -> tuple[int, Label]:
        """Find the end of a call: the next label, or an empty line after its input."""
        at, label = line_labels.in_steps(self._call, self._rest, whole, "action input")
        self._call += self._rest[:at]
        return at, label

    def _close_call(self) -> None:
        self.inside, self._before = "speech", self._before + "\n"
        for answer in self._answers(CallText(self._call).calls()):
            self._say(answer)
