"""Separate the speech in a model's text from thoughts, tool calls, channels and headers."""

from __future__ import annotations

from typing import Literal

from vflow_nodes.lib.decode.dialects import Marker
from vflow_nodes.lib.decode.marker_table import BARE, RECIPIENT, header_table, inside_table, speech_table
from vflow_nodes.lib.decode.said_text import SaidText
from vflow_nodes.lib.decode.tool_calls import CallText, ToolCall
from vflow_nodes.lib.decode.turn_header import HARMONY_ENDS, RECIPIENT_ENDS, Announced, TurnHeader

Inside = Literal["speech", "thought", "call", "header"]


class SpeechParser:
    """Takes a reply's text in pieces of any size, and returns the speech in it at once. It holds back only
    text that may become a marker. One thread.

    `inside`: the kind of text at the present place. `ended`: the reply is over by what it wrote. `calls` are
    its tool calls, `marks` counts markers. `stops`, `plain`: as in `speech_table`. `held`: nobody knows
    whether the reply begins in a thought; all waits for the closing tag or the end. `lone`: a tag closed a
    thought that nothing had opened; `leaked`: part of that thought had been said.
    """

    def __init__(self, stops: tuple[str, ...] = (), *, plain: bool = False, held: bool = False) -> None:
        self.text = SaidText(held)
        self.ended = self.lone = self.leaked = False
        self._table = speech_table(stops, plain)
        self._rest = ""  # not decided yet
        self._inside: Inside = "speech"
        # whether a thought was opened; whether a call has just ended
        self._thought = self._after_call = False
        self._closers: tuple[str, ...] = ()
        self._call = CallText()
        self._header = TurnHeader("")

    @property
    def inside(self) -> Inside:
        return self.text.inside if self._inside == "speech" else self._inside

    @property
    def held(self) -> bool:
        return self.text.held

    @property
    def said(self) -> bool:
        """Whether there was speech, or while it is `held`, text that may be speech."""
        return self.text.any

    @property
    def calls(self) -> list[ToolCall]:
        return self.text.calls

    @property
    def marks(self) -> int:
        return self.text.marks

    @property
    def pending(self) -> bool:
        """Whether some text waits for more, to be decided."""
        return bool(self._rest) or self.text.pending

    @property
    def withheld(self) -> bool:
        """Whether text at the present place is not said, or not yet."""
        return self.held or self.inside != "speech"

    def push(self, text: str, special: bool = False) -> str:
        """Take more text, and return the speech that it decides. A `special` token is a whole marker."""
        if special:
            self._run(whole=True)
            if not self.ended:
                self._special(text)
        elif not self.ended:
            self._rest += text
            self._run(whole=False)
        return self._taken()

    def resume(self, text: str) -> bool:
        """Begin where the end of a prompt leads. Return whether the assistant's reply begins there."""
        self.push(text)
        if self._rest == RECIPIENT.text:
            self._open_header(self._rest)
        elif self._inside == "header" and self._header.of_turn:
            self._inside = "speech"
        own = not self.ended
        self.ended = self.lone = self.leaked = self._after_call = False
        self._thought = self._inside == "thought"
        self._rest, self.text = "", SaidText(held=False)
        return own

    def finish(self, whole: bool = True) -> str:
        """End the reply, and return the speech held back. Not `whole`: it was cut, so return ''."""
        self._run(whole=True)
        if self._inside == "call":
            self._close_call(whole)
            self._run(whole=True)
        out = self._taken(whole=True)
        return out if whole else ""

    def _taken(self, whole: bool = False) -> str:
        out = self.text.said(whole)
        self.ended = self.ended or self.text.ended
        return out

    def _run(self, whole: bool) -> None:
        """Decide what can be decided; `whole`: no more text comes."""
        more = True
        while more and self._rest and not self.ended:
            if self._inside == "speech":
                more = self._in_speech(whole)
            elif self._inside == "header":
                more = self._in_header(whole)
            elif self._inside == "call" and self._call.json:
                more = self._in_json()
            else:
                more = self._in_span(whole)
        if self.ended:
            self._rest = ""

    def _in_speech(self, whole: bool) -> bool:
        if self._after_call:
            self._rest, decided = _after_call(self._rest, whole)
            self._after_call = not decided
            if not decided:
                return False
        text = self._rest
        at, length, marker = self._table.find(text, whole, bare=True, after=self.text.last)
        self.text.take(text[:at])
        self._rest = text[at:]
        self.ended = self.text.ended
        if marker is None or self.ended:
            return False
        if marker.text == "Assistant:" and self.said:  # it names the speaker only where a reply begins
            self.text.take(text[at : at + length])
        elif marker is BARE:
            self._open_call(CallText(json=True, bare=True))
            return True  # the text found is part of the call
        else:
            self._act(marker)
            if marker.text == ">>>":
                return True
        self._rest = text[at + length :]
        return True

    def _special(self, text: str) -> None:
        """Act on a special token: a marker, or nothing."""
        if self._inside == "speech":
            if marker := self._table.get(text):
                self._act(marker)
        elif self._inside == "header":
            found = header_table().get(text) or self._table.get(text)
            if found and (announced := self._header.mark(found)):
                self._begin(announced)
        elif marker := inside_table(self._closers, self._inside == "thought").get(text):
            self._leave(marker)
        elif self._inside == "call" and self._call.json and self._table.begins(text):
            self._close_call(whole=True)
            self._special(text)
        elif self._inside == "call":
            self._call.add(text)

    def _act(self, marker: Marker) -> None:
        """Go where a marker in speech leads."""
        self.text.marks += 1
        if self.said and not self.text.last.isspace() and marker.kind != "end":
            self.text.take(" ")  # text that is dropped separates words
        if marker.kind == "thought":
            self._enter("thought", marker.closers)
        elif marker.kind == "shut":
            self._shut()
        elif marker.kind in ("call", "json", "rest"):
            written = marker.text.removeprefix("functools").removeprefix("Action:")
            begun = written if written[-1] in '=[{ "' else ""
            self._open_call(CallText(begun, json=marker.kind == "json"), marker.closers)
        elif marker.kind == "header":
            self._open_header(marker.text)
            self.ended = self.said and self._header.of_turn
        elif marker.kind == "role":
            self.ended = self.said or marker.closers[0] != "assistant"
        elif marker.kind == "end":
            self.ended = True

    def _enter(self, inside: Inside, closers: tuple[str, ...] = ()) -> None:
        self._inside, self._closers = inside, closers
        self._thought = self._thought or inside == "thought"
        if inside == "thought" and not self.text.kept.strip():
            self.text.held = False  # the reply opens its thought itself

    def _open_header(self, text: str) -> None:
        self._inside = "header"
        channel = text == "<|channel|>"
        self._header = TurnHeader("<|start|>" if text == "<|end|>" else text, text if channel else "")

    def _shut(self) -> None:
        """End a thought that nothing opened: the text before was the thought. After another thought, the mark
        is a slip, and ignored."""
        if self._thought and not self.held:
            return
        if self.said:
            self.lone = True
            self.leaked = self.leaked or not self.held
        self.text.drop()
        self.text.any, self.text.last = self.leaked, "\n"

    def _in_span(self, whole: bool) -> bool:
        """Read on in a thought, or in a call up to its closing mark."""
        text = self._rest
        at, length, marker = inside_table(self._closers, self._inside == "thought").find(text, whole)
        if self._inside == "call":
            self._call.add(text[:at])
        self._rest = text[at + length :] if marker else text[at:]
        if marker is not None:
            self._leave(marker)
        return marker is not None

    def _leave(self, marker: Marker) -> None:
        """End a thought or a call at a mark inside it."""
        self.text.marks += 1
        was, self._inside = self._inside, "speech"
        if was == "call":
            self._close_call(whole=True)
        if marker.kind == "end":
            self.ended = True
        elif marker.kind == "call":
            self._open_call(CallText(), marker.closers)
        elif marker.text in HARMONY_ENDS:
            self._open_header(marker.text)
        elif marker.text in RECIPIENT_ENDS:
            self._open_header(">>>" if ">" in marker.text[-3:] else marker.text)

    def _open_call(self, call: CallText, closers: tuple[str, ...] = ()) -> None:
        self._enter("call", closers)
        self._call = call

    def _in_json(self) -> bool:
        """Read on in a call that ends where its JSON does."""
        rest, self._rest = self._call.read(self._rest), ""
        if rest is None:
            return False
        self._rest = rest
        self._close_call(whole=True)
        return True

    def _close_call(self, whole: bool) -> None:
        """Enter the finished call. If the text only began like one, it is speech after all."""
        self._inside = "speech"
        self.text.marks += 1
        calls = self._call.calls()
        self.text.enter(calls)
        self._after_call = bool(calls) and (self._call.bare or not self._closers)
        if whole and not calls:
            self.text.take(self._call.text)

    def _in_header(self, whole: bool) -> bool:
        self._rest, announced = self._header.read(self._rest, whole)
        if announced is not None:
            self._begin(announced)
        return announced is not None

    def _begin(self, announced: Announced) -> None:
        """Enter the part that a header announces: speech, a call or a thought."""
        self.text.marks += 1
        self._inside = "speech"
        self.ended = announced.ended or (announced.first and self.said)
        if announced.inside == "call":
            self._open_call(CallText(name=announced.name), announced.closers)
        elif announced.inside == "thought":
            self._enter("thought", announced.closers)
        elif not announced.first:
            self.text.held = False  # the model's channels tell what is speech
        if announced.marker is not None and not self.ended:
            self._act(announced.marker)


def _after_call(text: str, whole: bool) -> tuple[str, bool]:
    """Return the text without what separates calls and ends their fence, and whether that part is over."""
    text = text.lstrip(" \t\r\n,;")
    if not text or (text in "``" and not whole):
        return text, False
    return text.removeprefix("```"), True
