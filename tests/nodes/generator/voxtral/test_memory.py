"""The history of a prompt: as heard, within its room, the last turns as audio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vflow import Conversation
from vflow_nodes.generator.voxtral.memory import Exchange, Memory, most_windows
from vflow_nodes.generator.voxtral.prompt import EMBEDDINGS, Audio, Prompts, Turn, length
from vflow_nodes.generator.voxtral.tokens import load
from vflow_nodes.lib.decode.prompt import Embeds
from vflow_nodes.lib.summary import NOTE_TAKER, asked, instructed

PERSONA = "Be kind."


@pytest.fixture(scope="module")
def prompts(checkpoint: Path) -> Prompts:
    return Prompts(load(checkpoint))


class Talk:
    """A conversation, whose turns are put in the memory as they are added."""

    def __init__(self, prompts: Prompts, room: int = 4000, spoken: int = 2) -> None:
        self.conversation = Conversation()
        self.memory = Memory(prompts, self.conversation, PERSONA, room, spoken)

    def add(self, turn: int, reply: str, ids: tuple[int, ...] = ()) -> Audio:
        embeds = Embeds(EMBEDDINGS, lambda: None)
        self.conversation.append("user", f"said {turn}", turn)
        if reply:
            self.conversation.append("assistant", reply, turn)
        audio = Audio(embeds.number)
        self.memory.keep(turn, Exchange((audio,), {embeds.number: embeds}, ids, reply))
        return audio


def test_the_last_turns_are_audio_and_older_ones_text(prompts: Prompts) -> None:
    talk = Talk(prompts, spoken=1)
    talk.add(1, "one")
    second = talk.add(2, "two")
    turns = [Turn(("said 1",), "one"), Turn(((second,),), "two")]
    assert talk.memory.opening() == prompts.opening(PERSONA, turns)


def test_a_reply_heard_whole_is_its_own_tokens_and_a_cut_one_its_text(prompts: Prompts) -> None:
    talk = Talk(prompts)
    audio = talk.add(1, "one two", ids=(7, 8, 9))
    whole = prompts.opening(PERSONA, [Turn(((audio,),), (7, 8, 9))])
    assert talk.memory.opening() == whole
    talk.conversation.truncate(1, "one")
    assert talk.memory.opening() == prompts.opening(PERSONA, [Turn(((audio,),), "one")])


def test_an_unanswered_utterance_comes_before_the_next_one_in_its_turn(prompts: Prompts) -> None:
    talk = Talk(prompts)
    audio = talk.add(1, "")
    assert talk.memory.opening() == prompts.opening(PERSONA, [], [(audio,)])
    assert talk.memory.opening(but=1) == prompts.opening(PERSONA, [])
    talk.memory.forget(1)
    assert talk.memory.opening() == prompts.opening(PERSONA, [], ["said 1"])


def test_the_oldest_turns_leave_a_full_room_a_quarter_at_a_time(prompts: Prompts) -> None:
    talk = Talk(prompts, room=300, spoken=0)
    for turn in range(1, 41):
        talk.add(turn, f"answer {turn}")
        assert length(talk.memory.opening()) <= 300
    before = talk.memory._left_out
    opening = talk.memory.opening()
    assert talk.memory._left_out == before > 0
    turns = [Turn((f"said {turn}",), f"answer {turn}") for turn in range(before + 1, 41)]
    assert opening == prompts.opening(PERSONA, turns)


def test_parts_have_the_embeddings_in_place_of_audio(prompts: Prompts) -> None:
    talk = Talk(prompts)
    audio = talk.add(1, "one")
    fresh = Embeds(EMBEDDINGS, lambda: None)
    parts = talk.memory.parts([5, audio, Audio(fresh.number)], [fresh])
    assert [part if isinstance(part, int) else part.number for part in parts] == [
        5,
        audio.identity,
        fresh.number,
    ]
    assert parts[2] is fresh


def test_one_window_of_speech_at_least_is_tried() -> None:
    assert most_windows(1000, [1] * 250, 375) == 2
    assert most_windows(100, [1] * 250, 375) == 1


def test_a_summary_is_due_before_its_turns_leave_and_follows_the_persona(
    prompts: Prompts,
) -> None:
    talk = Talk(prompts, room=300, spoken=0)
    talk.add(1, "one")
    assert talk.memory.untold() == ([], ())
    turn = 1
    while not (due := talk.memory.untold())[0]:
        turn += 1
        talk.add(turn, f"answer {turn}")
    messages, covered = due
    assert messages[0] == {"role": "user", "content": "said 1"}
    assert not talk.memory.forgot
    talk.memory.take("Ada sails.", covered)
    kept = len(covered) // 2
    assert 0 < kept < turn
    turns = [Turn((f"said {n}",), f"answer {n}") for n in range(kept + 1, turn + 1)]
    assert talk.memory.opening() == prompts.opening(instructed(PERSONA, "Ada sails."), turns)
    assert talk.memory.untold() == ([], covered)


def test_turns_that_left_are_forgotten_until_a_summary_covers_them(prompts: Prompts) -> None:
    talk = Talk(prompts, room=300, spoken=0)
    for turn in range(1, 41):
        talk.add(turn, f"answer {turn}")
    talk.memory.opening()
    assert talk.memory.forgot
    messages, covered = talk.memory.untold()
    assert messages[0]["content"] == "said 1"
    talk.memory.take("Ada sails.", covered)
    assert not talk.memory.forgot


def test_summary_of_deleted_turns_is_dropped(prompts: Prompts) -> None:
    talk = Talk(prompts, spoken=0)
    talk.add(1, "one")
    talk.add(2, "two")
    talk.memory.take("Ada sails.", talk.conversation.entries()[:2])
    assert talk.memory.opening() == prompts.opening(
        instructed(PERSONA, "Ada sails."), [Turn(("said 2",), "two")]
    )
    talk.conversation.delete(1)
    assert talk.memory.opening() == prompts.opening(PERSONA, [Turn(("said 2",), "two")])


def test_a_summary_is_asked_for_without_audio(prompts: Prompts) -> None:
    talk = Talk(prompts)
    talk.add(1, "one")
    (asks,) = asked("", talk.conversation.messages())
    assert talk.memory.request(talk.conversation.messages()) == prompts.conversation(
        NOTE_TAKER, [Turn((asks["content"],))]
    )


def test_unasked_speech_of_the_agent_is_a_reply_alone_or_joins_the_last_reply(
    prompts: Prompts,
) -> None:
    talk = Talk(prompts)
    talk.conversation.append("assistant", "Good morning.", 1)
    audio = talk.add(2, "Fine.", ids=(5, 6))
    talk.conversation.append("assistant", "Anything else?", 3)
    assert talk.memory.opening() == prompts.opening(
        PERSONA, [Turn((), "Good morning."), Turn(((audio,),), "Fine. Anything else?")]
    )


def test_a_typed_text_that_is_longer_than_the_room_loses_its_first_words(prompts: Prompts) -> None:
    talk = Talk(prompts, room=100)
    talk.conversation.append("user", " ".join(f"word{n}" for n in range(500)), 1)
    opening = talk.memory.opening()
    assert talk.memory.shortened
    assert 90 < length(opening) <= 100
    kept = next(n for n in range(500) if opening == expected(prompts, n))
    assert kept > 400
    talk.conversation.append("assistant", "So it is.", 1)
    talk.conversation.append("user", "Why?", 2)
    talk.memory.opening()
    assert not talk.memory.shortened


def expected(prompts: Prompts, first: int) -> Any:
    """Return the opening of the typed words from number `first` on."""
    return prompts.opening(PERSONA, [], (" ".join(f"word{n}" for n in range(first, 500)),))
