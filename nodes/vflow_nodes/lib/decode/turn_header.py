"""Read the header of a turn or message: who speaks, and which part of it is speech."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vflow_nodes.lib.decode.dialects import ASSISTANTS, HARMONY, Marker
from vflow_nodes.lib.decode.marker_table import header_table

RECIPIENTS = ("<|recipient|>", ">>>")
RECIPIENT_ENDS = ("<|from|>", "\n>>>")
HARMONY_ENDS = ("<|end|>", "<|start|>", "<|channel|>")
_ROLE = re.compile(r"[ \t]*([\w.-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_RECIPIENT = re.compile(r"\bto=([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Announced:
    """The text that a header announces: it is `inside` until one of `closers`; for a call, `name` is its
    name. `ended`: it is by someone else, so the reply is over. `first`: it is valid only before anything was
    said. `marker`: the marker that follows."""

    inside: Literal["speech", "thought", "call"] = "speech"
    name: str = ""
    closers: tuple[str, ...] = ()
    ended: bool = False
    first: bool = False
    marker: Marker | None = None


class TurnHeader:
    """Reads a header that the marker `opened` began; `text` is the part already read. One thread."""

    def __init__(self, opened: str, text: str = "") -> None:
        self.opened, self._text = opened, text

    @property
    def of_turn(self) -> bool:
        """Whether it begins a whole turn, not one of several messages in a turn."""
        return self.opened not in (*HARMONY, *RECIPIENTS)

    def read(self, text: str, whole: bool) -> tuple[str, Announced | None]:
        """Return the text that is left, and what the header announces; None while the header goes on."""
        if self.opened in RECIPIENTS:
            return self._recipient(text, whole)
        if self.opened not in HARMONY:
            return self._role(text, whole)
        announced = None
        while text and announced is None:
            at, length, marker = header_table().find(text, whole)
            self._text += text[:at]
            if marker is None:
                return text[at:], None
            text, announced = text[at + length :], self.mark(marker)
        return text, announced

    def mark(self, marker: Marker) -> Announced | None:
        """Take a marker inside the header."""
        if marker.kind == "end" and (marker.text != "<|end|>" or self.of_turn):
            return Announced(ended=True)
        if marker.text == "<|message|>" and not self.of_turn:
            return self._message()
        if self.opened in HARMONY:
            self._text += marker.text
            return None
        if self.opened in RECIPIENTS:
            return _to(self._text)
        return self._turn(self._text, sure=True, marker=None if marker.kind == "noise" else marker)

    def _message(self) -> Announced:
        """Begin a message of harmony's: `final` is speech; one with a recipient is a call."""
        text = self._text.replace("<|start|>", "")
        channel, to = _CHANNEL.search(text), _RECIPIENT.search(text)
        role = _ROLE.match(text.partition("<|channel|>")[0].strip())
        if role and role[1] not in (*ASSISTANTS, "to"):
            return Announced(ended=True)
        if to:
            return Announced("call", to[1].removeprefix("functions."), HARMONY_ENDS)
        if channel is None or channel[1] == "final":
            return Announced()
        return Announced("thought", closers=HARMONY_ENDS)

    def _role(self, text: str, whole: bool) -> tuple[str, Announced | None]:
        """Read the name of a role, then a mark or the end of the line."""
        name = _ROLE.match(text)
        after = text[name.end() if name else 0 :].lstrip(" \t")
        if not after and not whole:
            return text, None
        at, length, marker = header_table().find(after, whole)
        if at == 0 and length and marker is None:
            return text, None  # it may become a mark
        role = name[1] if name else ""
        if at == 0 and marker is not None:
            self._text = role
            return after[length:], self.mark(marker)
        line = not after or after[0] == "\n"
        if line:
            after = after[1:]
        elif role and role not in ASSISTANTS:
            after = text  # it was a word of speech, not a role
        return after, self._turn(role, sure=line)

    def _turn(self, role: str, sure: bool, marker: Marker | None = None) -> Announced:
        own = not role or role.lower() in ASSISTANTS or self.opened == "<|im_assistant|>"
        return Announced(ended=sure and not own, first=True, marker=marker)

    def _recipient(self, text: str, whole: bool) -> tuple[str, Announced | None]:
        """Read Functionary's name of the recipient."""
        end = re.search(r"\n(<\|content\|>)?|<\|content\|>", text)
        partial = end is not None and "<|content|>".startswith(text[end.end() :]) and end[0] == "\n"
        if (end is None or partial) and not whole:
            return text, None
        return text[end.end() if end else len(text) :], _to(text[: end.start() if end else len(text)])


def _to(name: str) -> Announced:
    """Return what a recipient's name announces; `all` means the user."""
    name = name.strip().lstrip(">").strip()
    return Announced() if name == "all" else Announced("call", name, RECIPIENT_ENDS)
