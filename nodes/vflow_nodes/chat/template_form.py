"""How a chat template takes a conversation, found by trying it: contents, system role, the reply's header.

Templates leave out without a word what they do not expect. So each form is tried with conversations whose
texts are known, and taken where the prompt has all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Message = Mapping[str, Any]
Run = Callable[[list[Message], bool], str]
"""A template's text of messages; True: up to where the assistant's reply begins."""

PERSONA, FIRST, REPLY, LAST = "Be kind to Ada.", "Which way is it?", "Along the river.", "Thank you."
"""The texts of the conversations that a template is tried with."""
_ONE = ({"role": "user", "content": LAST},)
_MANY = ({"role": "user", "content": FIRST}, {"role": "assistant", "content": REPLY}, *_ONE)
GREETING = "Hello."
"""Said by the user where a conversation begins with the assistant, and a template allows none that does."""


@dataclass(frozen=True, slots=True)
class Form:
    """`lists`: a content is a list of parts. `system`: the persona is a message of its own; else it heads the
    first message. `header`: text that the template does not write before the assistant's reply."""

    lists: bool = False
    system: bool = True
    header: str = ""

    def messages(self, persona: str, said: Sequence[Mapping[str, str]]) -> list[Message]:
        """A conversation as the template takes it; neighbours of one role are one message."""
        merged: list[dict[str, str]] = []
        for message in said:
            if merged and merged[-1]["role"] == message["role"]:
                merged[-1]["content"] += "\n" + message["content"]
            else:
                merged.append(dict(message))
        if self.system:
            merged.insert(0, {"role": "system", "content": persona})
        elif persona and merged and merged[0]["role"] == "user":
            merged[0]["content"] = f"{persona}\n\n{merged[0]['content']}"
        elif persona:
            merged.insert(0, {"role": "user", "content": persona})
        return [self._message(message) for message in merged]

    def _message(self, message: dict[str, str]) -> Message:
        if not self.lists:
            return message
        return {**message, "content": [{"type": "text", "text": message["content"]}]}

    def prompt(self, run: Run, persona: str, said: Sequence[Mapping[str, str]]) -> str:
        """A conversation's prompt. Raises: what the template raises."""
        try:
            text = run(self.messages(persona, said), True)
        except Exception:  # a template's own code
            if not said or said[0]["role"] != "assistant":
                raise
            text = run(self.messages(persona, [{"role": "user", "content": GREETING}, *said]), True)
        return text + self.header


def find(run: Run) -> Form | str:
    """The first form in which a template leaves nothing out; else what it leaves out. Raises: what the
    template raises in every form."""
    lost, raised = "", None
    for form in (Form(), Form(lists=True), Form(system=False), Form(lists=True, system=False)):
        try:
            left_out = _left_out(run, form)
        except Exception as error:  # a template's own code
            raised = raised or error
            continue
        if not left_out:
            return replace(form, header=_header(run, form))
        lost = lost or left_out
    if not lost and raised is not None:
        raise raised
    return lost


def _left_out(run: Run, form: Form) -> str:
    """Name the part of a conversation that a prompt lacks in this form; '' for none."""
    prompts = [form.prompt(run, PERSONA, said) for said in (_ONE, _MANY)]
    if not all(LAST in prompt for prompt in prompts):
        return "what the user said"
    if not all(PERSONA in prompt for prompt in prompts):
        return "the persona"
    places = [prompts[1].find(text) for text in (FIRST, REPLY, LAST)]
    return "" if -1 < places[0] < places[1] < places[2] else "earlier turns"


def _header(run: Run, form: Form) -> str:
    """The text before a reply, of a template that has one between turns and no generation prompt."""
    said = form.messages(PERSONA, _ONE)
    try:
        prompt = run(said, False)
        whole = run([*said, form._message({"role": "assistant", "content": REPLY})], False)
    except Exception:  # it has no such conversation
        return ""
    once = prompt.count(LAST) == whole.count(LAST) == whole.count(REPLY) == 1
    if not once or prompt != run(said, True):
        return ""
    after = prompt[prompt.index(LAST) :]
    between = whole[whole.index(LAST) : whole.index(REPLY)]
    header = between.removeprefix(after).rstrip(" ")  # a reply's first token brings its space
    return header if between.startswith(after) and any(map(str.isalpha, header)) else ""
