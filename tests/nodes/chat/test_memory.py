"""The messages of a prompt, and what a summary stands for. A token is a letter here."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vflow_nodes.chat.memory import ChatMemory, Message
from vflow_nodes.lib.decode.errors import TooLong

LONGEST = 2000


def render(summary: str, messages: Sequence[Message]) -> list[int]:
    text = f"<{summary}>" + "".join(message["content"] for message in messages)
    if len(text) > LONGEST:
        raise TooLong("too long")
    return [ord(letter) for letter in text]


def text_of(ids: list[int]) -> str:
    return "".join(map(chr, ids))


def turns(*numbers: int, size: int = 10) -> list[Message]:
    """Make turns of a question and an answer of `size` letters each; the last turn has no answer."""
    said = [
        {"role": role, "content": f"{role[0]}{number}".ljust(size, ".")}
        for number in numbers
        for role in ("user", "assistant")
    ]
    return said[:-1]


def test_messages_that_fit_are_in_the_prompt() -> None:
    memory = ChatMemory(render)
    assert text_of(memory.prompt(turns(1, 2), 100, 200)) == "<>u1........a1........u2........"
    assert not memory.forgot


def test_messages_that_do_not_fit_leave_by_half_of_the_room() -> None:
    memory = ChatMemory(render)
    assert text_of(memory.prompt(turns(*range(8)), 100, 200)).startswith("<>u6")
    assert memory.forgot
    assert text_of(memory.prompt(turns(*range(10)), 100, 200)).startswith("<>u6")


def test_a_last_message_that_is_too_long_loses_its_first_words() -> None:
    memory = ChatMemory(render)
    long = [{"role": "user", "content": " ".join(f"word{n}" for n in range(100))}]
    text = text_of(memory.prompt(long, 50, 60))
    assert text.endswith("word98 word99")
    assert memory.shortened
    assert 50 < len(text) <= 60
    assert text_of(memory.prompt([{"role": "user", "content": "x " * LONGEST + "end"}], 50, 60)).endswith(
        "end"
    )
    memory.prompt([{"role": "user", "content": "short"}], 50, 60)
    assert not memory.shortened


def test_a_summary_is_due_before_its_messages_leave_and_takes_their_place() -> None:
    memory = ChatMemory(render)
    few, many = turns(*range(3))[:-1], turns(*range(5))[:-1]
    assert memory.untold(few, 100)[0] == []
    untold, covered = memory.untold(many, 100)
    assert untold == covered == many[: len(covered)]
    assert 0 < len(covered) < len(many) - 2
    memory.take("sun", covered)
    assert text_of(memory.prompt([*many, *turns(9)], 100, 200)).startswith(f"<sun>u{len(covered) // 2}")
    assert not memory.forgot


def test_messages_that_left_too_early_are_in_a_later_summary() -> None:
    memory, said = ChatMemory(render), turns(*range(20))
    memory.prompt(said, 100, 200)
    untold, covered = memory.untold([*said, {"role": "assistant", "content": "a"}], 100)
    assert untold[0] == said[0]
    memory.take("sun", covered)
    assert memory.untold(said, 100) == ([], covered)


@pytest.mark.parametrize("change", ["deleted", "changed"])
def test_a_summary_of_messages_that_the_application_deleted_is_dropped(change: str) -> None:
    memory, said = ChatMemory(render), turns(*range(5))
    memory.take("sun", said[:4])
    now = said[2:] if change == "deleted" else [{"role": "user", "content": "other"}, *said[1:]]
    assert text_of(memory.prompt(now, 200, 200)).startswith("<>" + now[0]["content"])


def test_an_empty_history_has_a_prompt() -> None:
    assert ChatMemory(render).untold([], 100) == ([], [])
