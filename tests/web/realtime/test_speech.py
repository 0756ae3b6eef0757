"""The user's speech, found by a detector or committed by the client."""

from __future__ import annotations

import base64
from typing import Any

from tests.web.realtime.stand_in import StandIn, Talk, code, kinds
from vflow.report.turn import TurnRecord
from vflow.session import TurnEnded, UserBegan, UserFinished, UserText
from vflow.web.commands import Press, Release, Sound


def pcm(seconds: float) -> str:
    return base64.b64encode(bytes(2 * round(24_000 * seconds))).decode()


def manual(agent: StandIn | None = None) -> Talk:
    talk = Talk(agent)
    audio = {"input": {"turn_detection": None, "transcription": {}}}
    talk.say("session.update", session={"audio": audio})
    return talk


def test_audio_goes_on_at_once_where_the_server_finds_turns() -> None:
    talk = Talk()
    assert talk.say("input_audio_buffer.append", audio=pcm(0.1)) == []
    assert talk.commands == [Sound(bytes(4_800), 24_000)]
    talk.say("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    talk.say("input_audio_buffer.append", audio=base64.b64encode(b"\xff" * 80).decode())
    assert talk.commands[1:] == [Sound(bytes(160), 8_000)]


def test_malformed_audio_is_refused() -> None:
    talk = Talk()
    for bad in ("?", "AAA", "A" * 5, "\u00e4"):
        assert code(talk.say("input_audio_buffer.append", audio=bad)) == ("invalid_value", "audio")
    assert talk.commands == []


def test_speech_is_told_with_its_places_then_committed() -> None:
    talk = Talk()
    talk.say("session.update", session={"audio": {"input": {"transcription": {"model": "any"}}}})
    told = talk.tell(UserBegan(1, 1.25), UserFinished(1, 2.5), UserText(1, "Hello."))
    assert kinds(told) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert (told[0]["audio_start_ms"], told[1]["audio_end_ms"]) == (1_250, 2_500)
    assert told[-1]["transcript"] == "Hello."
    assert told[-1]["usage"] == {"type": "duration", "seconds": 1.25}
    assert len({event["item_id"] for event in told if "item_id" in event}) == 1


def test_transcripts_are_told_where_they_were_asked_for() -> None:
    talk = Talk()
    told = talk.tell(UserBegan(1, 0.0), UserFinished(1, 1.0), UserText(1, "Hello."))
    assert not [kind for kind in kinds(told) if "transcription" in kind]
    item_id = told[0]["item_id"]
    (found,) = talk.say("conversation.item.retrieve", item_id=item_id)
    assert found["item"]["content"] == [{"type": "input_audio", "transcript": "Hello."}]


def test_a_graph_that_writes_nothing_down_says_so() -> None:
    talk = manual()
    talk.say("input_audio_buffer.append", audio=pcm(1))
    talk.say("input_audio_buffer.commit")
    talk.tell(UserBegan(1, 0.0), UserFinished(1, 1.0))
    (failed,) = talk.tell(TurnEnded(TurnRecord(1)))
    assert failed["type"] == "conversation.item.input_audio_transcription.failed"


def test_a_commit_is_an_utterance_by_button() -> None:
    talk = manual()
    talk.say("input_audio_buffer.append", audio=pcm(1))
    told = talk.say("input_audio_buffer.commit")
    assert kinds(told) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    press, sound, release = talk.commands
    assert (press, release) == (Press(), Release())
    assert 1.0 < len(sound.pcm16) / 48_000 < 1.1
    assert kinds(talk.say("response.create")) == ["response.created"]
    assert talk.agent.calls == []  # what was committed is not in the history yet
    talk.tell(UserBegan(1, 0.0), UserFinished(1, 1.0))
    talk.tell(UserText(1, "Hello."), TurnEnded(TurnRecord(1, "Hello.")))
    assert talk.agent.calls == [("prompt", None)]


def test_too_little_to_commit_is_refused_and_a_clear_forgets() -> None:
    talk = manual()
    assert code(talk.say("input_audio_buffer.commit")) == ("input_audio_buffer_commit_empty", None)
    talk.say("input_audio_buffer.append", audio=pcm(0.09))
    assert code(talk.say("input_audio_buffer.commit"))[0] == "input_audio_buffer_commit_empty"
    talk.say("input_audio_buffer.append", audio=pcm(1))
    assert kinds(talk.say("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert code(talk.say("input_audio_buffer.commit"))[0] == "input_audio_buffer_commit_empty"
    assert talk.commands == []


def test_a_buffer_without_end_is_refused() -> None:
    talk = manual()
    for _ in range(30):
        assert talk.say("input_audio_buffer.append", audio=pcm(1)) == []
    assert code(talk.say("input_audio_buffer.append", audio=pcm(1))) == ("input_audio_buffer_full", "audio")


def test_a_graph_that_answers_by_itself_is_asked_only_once() -> None:
    talk = manual(StandIn(button=True).without("answers", "detect"))
    talk.say("input_audio_buffer.append", audio=pcm(1))
    talk.say("input_audio_buffer.commit")
    assert kinds(talk.tell(UserBegan(1, 0.0), UserFinished(1, 1.0))) == ["response.created"]
    assert talk.say("response.create") == []
    assert code(talk.say("response.create"))[0] == "conversation_already_has_active_response"


def test_commit_ends_the_present_utterance() -> None:
    talk = Talk()
    assert code(talk.say("input_audio_buffer.commit"))[0] == "input_audio_buffer_commit_empty"
    talk.tell(UserBegan(1, 0.0))
    assert talk.say("input_audio_buffer.commit") == []
    assert talk.commands == [Release()]


def test_item_deleted_during_transcription_is_forgotten() -> None:
    talk = Talk()
    told: list[dict[str, Any]] = talk.tell(UserBegan(1, 0.0), UserFinished(1, 1.0))
    talk.say("conversation.item.delete", item_id=told[0]["item_id"])
    talk.tell(UserText(1, "Hello."), TurnEnded(TurnRecord(1, "Hello.")))
    assert talk.agent.calls[-1] == ("forget", "user", 1)


def test_graph_without_a_microphone_refuses_audio() -> None:
    talk = Talk()
    talk.agent.hears = False
    assert code(talk.say("input_audio_buffer.append", audio=pcm(0.1)))[0] == "unsupported_value"


def test_who_ends_turns_does_not_change_while_a_commit_is_being_heard() -> None:
    talk = manual()
    talk.say("input_audio_buffer.append", audio=pcm(1))
    talk.say("input_audio_buffer.commit")
    change = {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
    assert code(talk.say("session.update", session=change))[0] == "input_audio_buffer_busy"
    talk.tell(UserBegan(1, 0.0))
    assert kinds(talk.say("session.update", session=change)) == ["session.updated"]
