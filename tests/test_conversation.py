from __future__ import annotations

import pytest

from vflow import Conversation, VflowError


def talk(*entries: tuple[str, str, int]) -> Conversation:
    conversation = Conversation()
    for entry in entries:
        conversation.append(*entry)
    return conversation


def history(conversation: Conversation) -> list[tuple[str, str, int]]:
    return [(e.role, e.text, e.turn) for e in conversation.entries()]


def test_reply_is_cut_to_its_heard_part() -> None:
    conversation = talk(("user", "hi", 1), ("assistant", "one two three", 1))
    conversation.truncate(1, "one two")
    assert history(conversation) == [("user", "hi", 1), ("assistant", "one two", 1)]


def test_a_reply_of_which_nothing_was_heard_is_removed_and_the_utterance_stays() -> None:
    conversation = talk(("user", "hi", 1), ("assistant", "one", 1), ("user", "hello", 2))
    conversation.truncate(1, "")
    assert history(conversation) == [("user", "hi", 1), ("user", "hello", 2)]


def test_delete_removes_a_turn_and_no_other() -> None:
    conversation = talk(("user", "hi", 1), ("assistant", "one", 1), ("user", "hello", 2))
    conversation.delete(1)
    assert history(conversation) == [("user", "hello", 2)]


def test_utterances_that_got_no_reply_are_joined_with_the_next() -> None:
    conversation = talk(("user", "what", 1), ("user", "is it", 2), ("assistant", "this", 2))
    assert conversation.messages() == [
        {"role": "user", "content": "what is it"},
        {"role": "assistant", "content": "this"},
    ]


def test_entries_are_as_they_stood() -> None:
    conversation = talk(("user", "hi", 1))
    before = conversation.entries()
    conversation.append("assistant", "one", 1)
    assert len(before) == 1


def test_the_newest_entries_are_kept_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.conversation.KEPT", 3)
    conversation = talk(*[("user", str(n), n) for n in range(5)])
    conversation.truncate(0, "")
    conversation.delete(1)
    assert history(conversation) == [("user", str(n), n) for n in (2, 3, 4)]
    assert conversation.dropped == 2


def test_a_turn_that_comes_again_after_it_was_deleted_is_at_the_end() -> None:
    conversation = talk(("user", "a", 1), ("user", "b", 2))
    conversation.delete(1)
    conversation.append("user", "c", 1)
    conversation.append("assistant", "d e", 1)
    conversation.truncate(1, "d")
    assert history(conversation) == [("user", "b", 2), ("user", "c", 1), ("assistant", "d", 1)]


def test_a_kind_of_answer_is_expected_of_one_turn() -> None:
    talked = Conversation()
    assert talked.take_expected() == ""
    talked.expect("phone")
    assert (talked.take_expected(), talked.take_expected()) == ("phone", "")
    talked.expect("email")
    talked.expect("")
    assert talked.take_expected() == ""


def test_a_kind_of_answer_that_nobody_knows_is_refused() -> None:
    with pytest.raises(VflowError, match="no kind of answer 'phon'; did you mean 'phone'"):
        Conversation().expect("phon")


def test_a_reply_whose_end_is_known_for_good_is_cut_no_more_before_it_is_here_or_after() -> None:
    conversation = talk(("user", "hi", 1), ("assistant", "one two three", 1))
    conversation.settle(1, "one two")
    conversation.truncate(1, "one")
    conversation.settle(2, "four")
    conversation.append("assistant", "four five", 2)
    conversation.settle(3, "")
    conversation.append("assistant", "six", 3)
    assert history(conversation)[1:] == [("assistant", "one two", 1), ("assistant", "four", 2)]
    conversation.settle(1, "one two three")
    assert history(conversation)[1] == ("assistant", "one two three", 1)


def test_delete_of_one_role_keeps_the_other() -> None:
    conversation = talk(("user", "hi", 1), ("assistant", "one", 1))
    conversation.delete(1, "user")
    assert history(conversation) == [("assistant", "one", 1)]
    conversation.delete(1, "assistant")
    assert history(conversation) == []


def test_protected_words_are_protected_until_the_next_word_is_heard() -> None:
    talk = Conversation()
    talk.protect(2, 3, 5)
    assert [words for words in range(9) if talk.protects(2, words)] == [3, 4, 5]
    assert not talk.protects(1, 4)


def test_a_reply_is_protected_to_its_end_without_a_last_word() -> None:
    talk = Conversation()
    talk.protect(2)
    assert talk.protects(2, 0)
    assert talk.protects(2, 10_000)
