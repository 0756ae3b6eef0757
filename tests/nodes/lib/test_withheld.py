from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.nodes.lib.decode.models import taken
from vflow_nodes.lib.decode.reply import Reply, StopReason
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.vocabulary import Vocabulary
from vflow_nodes.lib.withheld import counts, problem

PIECES = [
    b"", b" Hi", b" hm", b"<think>", b"</think>", b"<tool_call>", b"</tool_call>",
    b'{"name": "weather", "arguments": {}}', b"<answer>",
]  # fmt: skip


def reply_of(tokens: Sequence[int], reason: StopReason = "eos") -> tuple[Reply, int]:
    """Return a reply that is over, and how many words it had."""
    reply = Reply(
        Vocabulary(PIECES, frozenset({0})), Sampling(), 20, one_line=False, on_taken=lambda reply: None
    )
    for token in tokens:
        reply.put(token)
    reply.end(reason)
    return reply, len(taken(reply))


@pytest.mark.parametrize(
    ("tokens", "reason", "kind", "told"),
    [
        ((1, 1), "eos", "", ""),
        ((3, 2, 4, 1), "eos", "", ""),
        ((), "eos", "", ""),
        ((1, 4, 1), "eos", "leaked", "Mend the model's chat template"),
        (
            (5, 7, 6),
            "eos",
            "called",
            "calls 'weather' and says no word: no tool is run here; say so in 'persona'",
        ),
        ((1, 5, 7, 6), "eos", "called", "calls 'weather': no tool is run here"),
        ((5, 2, 6), "eos", "called", "calls a tool and says no word"),
        ((3, 2, 2), "limit", "endless", "did not end within 3 tokens"),
        ((3, 2, 2), "eos", "thought", "a thought of 3 tokens"),
        ((3, 2, 4), "eos", "thought", "set 'model'"),
        ((8,), "eos", "marks", "set 'model'"),
        ((3, 2), "flush", "", ""),
    ],
)
def test_a_reply_of_nothing_but_what_is_withheld_is_told_with_what_to_set(
    tokens: Sequence[int], reason: StopReason, kind: str, told: str
) -> None:
    reply, words = reply_of(tokens, reason)
    found, text = problem(reply, words)
    assert found == kind
    assert told in text


def test_counts_are_those_of_what_there_was() -> None:
    assert counts(reply_of((1, 1))[0]) == {}
    assert counts(reply_of((3, 2, 4, 1))[0]) == {"thought_tokens": 3}
    assert counts(reply_of((3, 2, 4, 5, 7, 6, 5, 7, 6))[0]) == {"thought_tokens": 3, "tool_calls": 2}
    assert counts(None) == {}
