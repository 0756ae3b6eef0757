"""Find out by trial how a chat template takes a conversation: contents, system role, the reply's header.

A template silently leaves out the parts that it does not expect. So each form is tried with conversations
whose texts are known, and the first form whose prompt has all of them is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Message = Mapping[str, Any]
Run = Callable[[list[Message], bool], str]
"""Returns a template's text of messages; with True, up to where the assistant's reply begins."""

PERSONA, FIRST, REPLY, LAST = "Be kind to Ada.", "Which way is it?", "Along the river.", "Thank you."
"""The texts of the conversations for the trial."""
_ONE = ({"role": "user", "content": LAST},)
_MANY = ({"role": "user", "content": FIRST}, {"role": "assistant", "content": REPLY}, *_ONE)
GREETING = "Hello."
"""The user's first message if the assistant begins a conversation and the template does not allow that."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a template takes a conversation.

    `lists`: a content is a list of parts. `system`: the persona is a message of its own, else it begins the
    first message. `header`: text that has to be added before the assistant's reply.
    """

    lists: bool = False
    system: bool = True
    header: str = ""

    def messages(self, persona: str, said: Sequence[Mapping[str, str]]) -> list[Message]:
        """Return a conversation as the template takes it; successive messages of one role become one."""
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
        """Return a conversation's prompt. Raises: whatever the template raises."""
        try:
            text = run(self.messages(persona, said), True)
        except Exception:  # a template's own code
            if not said or said[0]["role"] != "assistant":
                raise
            text = run(self.messages(persona, [{"role": "user", "content": GREETING}, *said]), True)
        return text + self.header


def find(run: Run) -> Form | str:
    """Return the first form in which a template leaves nothing out, or else the name of the part left out.
    Raises: the template's error, if it raises in every form."""
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
    """Name the part of a conversation that the prompt lacks in this form; '' for none."""
    prompts = [form.prompt(run, PERSONA, said) for said in (_ONE, _MANY)]
    if not all(LAST in prompt for prompt in prompts):
        return "what the user said"
    if not all(PERSONA in prompt for prompt in prompts):
        return "the persona"
    places = [prompts[1].find(text) for text in (FIRST, REPLY, LAST)]
    return "" if -1 < places[0] < places[1] < places[2] else "earlier turns"


def _header(run: Run, form: Form) -> str:
    """Return the text before a reply if the template writes it between turns but has no generation prompt."""
    said = form.messages(PERSONA, _ONE)
    try:
        prompt = run(said, False)
        whole = run([*said, form._message({"role": "assistant", "content": REPLY})], False)
    except Exception:  # the template refuses such a conversation
        return ""
    once = prompt.count(LAST) == whole.count(LAST) == whole.count(REPLY) == 1
    if not once or prompt != run(said, True):
        return ""
    after = prompt[prompt.index(LAST) :]
    between = whole[whole.index(LAST) : whole.index(REPLY)]
    header = between.removeprefix(after).rstrip(" ")  # a reply's first token brings its space
    return header if between.startswith(after) and any(map(str.isalpha, header)) else ""
