"""Report the parts of a reply that a generator did not say: counts for the turn's end, and how to mend it.

It imports no torch, since `EngineGenerator` can be inspected without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vflow_nodes.lib.decode.speech import SpeechParser
    from vflow_nodes.lib.decode.tool_calls import ToolCall

OTHER_MODEL = "set 'model' to one that does not think"
CHAT_MODEL = "set 'model' to one that is made for chat"


class Spoken(Protocol):
    """How many tokens of a reply are not said: in all, and as thoughts."""

    @property
    def parser(self) -> SpeechParser: ...
    @property
    def withheld(self) -> int: ...
    @property
    def thought(self) -> int: ...


class Reply(Protocol):
    """A reply that is over, by the decode engine or a remote model."""

    @property
    def spoken(self) -> Spoken: ...
    @property
    def calls(self) -> list[ToolCall]: ...
    @property
    def stop_reason(self) -> str | None: ...


def counts(reply: Reply | None) -> dict[str, int]:
    """Return the counts, by name, of what a finished reply withheld; only those above 0."""
    if reply is None:
        return {}
    found = {
        "thought_tokens": reply.spoken.thought,
        "tool_calls": len(reply.calls),
        "made_up_turns": int(reply.spoken.parser.text.turn != ""),
    }
    return {name: count for name, count in found.items() if count}


def problem(reply: Reply, words: int) -> tuple[str, str]:
    """Return a warning about a finished reply, and the kind of problem; ('', '') for none."""
    parser, spoken = reply.spoken.parser, reply.spoken
    if parser.leaked:
        return "leaked", (
            "the model closed a thought that nothing had opened, and its beginning was said; from now on a "
            "reply waits for that mark. Mend the model's chat template, which is to open the thought, or "
            f"{OTHER_MODEL}"
        )
    if reply.stop_reason not in ("eos", "limit"):
        return "", ""
    if parser.text.turn:
        return "made up", (
            f"the model goes on with the user's turn ({parser.text.turn!r}), and the reply was cut there; "
            "lower 'min_words' and 'min_tokens' where replies are short, mend its chat template, or "
            f"{CHAT_MODEL}"
        )
    if reply.calls:
        name = next((repr(call.name) for call in reply.calls if call.name), "a tool")
        no_word = "" if words else " and says no word"
        return "called", (
            f"the model calls {name}{no_word}: no tool is run here; say so in 'persona', or set 'model' to "
            "another"
        )
    if words or not spoken.withheld:
        return "", ""
    if parser.withheld and reply.stop_reason == "limit":
        return "endless", (
            f"the reply is a thought that did not end within {spoken.withheld} tokens, and nothing was said; "
            f"'think: hide' and a higher 'context' leave more room, or {OTHER_MODEL}"
        )
    if spoken.thought:
        return "thought", f"the reply is a thought of {spoken.thought} tokens, and no word; {OTHER_MODEL}"
    return "marks", "the reply is marks of a model's own, and no word; set 'model' to another"
