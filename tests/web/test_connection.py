"""A client and its session, on a real server: what is answered, what is refused, what is freed."""

from __future__ import annotations

import contextlib
import gc
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests import scripted_agent
from tests.web.live import QUIET, Live, agent, spoken
from vflow import TextPacket, prop
from vflow.session.session import Session
from vflow.web.limits import Limits
from vflow.web.line import Line

FRAME = b"\0\0" * 320


def test_a_spoken_question_is_answered_in_words_and_sound(live: Live) -> None:
    with live.client() as client:
        about = client.begin()
        assert about["output_rate"] == scripted_agent.VOICE_RATE
        client.socket.send(spoken())
        turn = client.wait_for("turn_ended")
        words = [m["text"] for m in client.texts if m["type"] == "word"]
    assert " ".join(words) == turn["reply"] == turn["heard"] == scripted_agent.REPLY
    assert len(client.audio[turn["turn"]]) == len(words) * 40 * scripted_agent.VOICE_RATE // 1000 * 2
    assert turn["latencies_ms"]["first_word"] > 0


def test_a_typed_turn_is_answered(live: Live) -> None:
    with live.client() as client:
        assert client.begin()["text"]
        client.say("ask", text="tell me about Rome")
        turn = client.wait_for("turn_ended")
    assert turn["user"] == "tell me about Rome"
    assert turn["heard"] == scripted_agent.REPLY


def test_heard_text_follows_the_client_s_reports(live: Live) -> None:
    with live.client() as client:
        client.begin(played=True)
        client.say("ask", text="go on")
        turn = client.wait_for("word")["turn"]
        while len(client.audio.get(turn, b"")) < 200 * 48:  # ms of PCM16 at 24 kHz
            client.read()
        client.say("played", turn=turn, seconds=0.13)  # three words of 40 ms
        client.say("interrupt")
        client.wait_for("interrupted")
        ended = client.wait_for("turn_ended", turn=turn)
    assert ended["interrupted"]
    assert ended["heard"] == " ".join(scripted_agent.REPLY.split()[:3])


def test_reply_audio_leaves_at_most_400_ms_ahead_of_what_was_played(live: Live) -> None:
    with live.client() as client:
        client.begin(played=True)
        client.say("ask", text="go on")
        turn = client.wait_for("word")["turn"]
        client.say("played", turn=turn, seconds=0)
        for _ in range(8):  # levels come four times a second
            client.wait_for("levels")
        assert len(client.audio[turn]) <= 400 * 48
        client.say("played", turn=turn, seconds=0.2)
        while len(client.audio[turn]) < 580 * 48:
            client.read()
        for _ in range(4):
            client.wait_for("levels")
        assert len(client.audio[turn]) <= 600 * 48


def test_speech_interrupts_the_reply_and_the_client_is_told_to_forget_it(tmp_path: Path) -> None:
    with agent(tmp_path, word_ms=60) as preloaded, Live(preloaded) as live, live.client() as client:
        client.begin()
        client.say("ask", text="go on")
        turn = client.wait_for("word")["turn"]
        client.wait_for("state", state="speaking")
        client.socket.send(spoken())
        client.wait_for("interrupted")
        assert client.wait_for("turn_ended", turn=turn)["interrupted"]
        assert not client.wait_for("turn_ended")["interrupted"]


def test_refused_command_is_a_warning_and_the_session_goes_on(live: Live) -> None:
    with live.client() as client:
        client.begin()
        client.say("press")
        assert "push_to_talk" in client.wait_for("warning")["text"]
        client.say("set", node="answer", property="tokens", value=3)
        assert client.wait_for("warning") == {
            "type": "warning",
            "node": "answer",
            "text": "answer.tokens cannot change while it runs; set it in the file, or with --set",
        }
        client.say("ask", text=" ")
        client.wait_for("warning")
        client.say("ask", text="go on")
        client.wait_for("turn_ended")


def test_end_answers_pending_turns_then_says_bye(live: Live) -> None:
    with live.client() as client:
        client.begin()
        client.say("ask", text="go on")
        client.say("end")
        assert client.closed() == (1000, "")
    assert [m["type"] for m in client.texts if m["type"] in ("turn_ended", "bye")] == ["turn_ended", "bye"]


def test_nothing_of_a_session_is_kept_once_it_has_ended(live: Live) -> None:
    def ends() -> None:
        with live.client() as client:
            client.begin()
            client.say("ask", text="go on")
            client.say("end")
            client.closed()

    def leaves() -> None:
        with live.client() as client:
            client.begin()
            client.say("ask", text="go on")
            client.wait_for("word")

    def is_refused() -> None:
        with live.client() as client:
            client.begin()
            client.socket.send("no JSON")
            client.closed()

    for talk in (ends, leaves, is_refused):
        talk()
        talk()
        live.until(lambda: not live.roster.guests)

        def kept() -> list[Any]:
            gc.collect()
            return [each for each in gc.get_objects() if type(each) in (Session, Line)]

        live.until(lambda: not kept())


BAD: dict[str, tuple[list[Any], int, str]] = {
    "no JSON": (["hello"], 1007, "bad_message"),
    "an unknown type": (['{"type": "begin"}'], 1007, "bad_message"),
    "a list": (["[]"], 1007, "bad_message"),
    "deep nesting": (["[" * 60_000], 1007, "bad_message"),
    "another first message": (['{"type": "ask", "text": "x"}'], 1007, "bad_message"),
    "binary first": ([FRAME], 1003, "wrong_kind"),
    "two starts": (['{"type": "start"}'] * 2, 1007, "bad_message"),
    "a rate of nothing": (['{"type": "start", "input_rate": 0}'], 1007, "bad_message"),
    "a rate beyond all": (['{"type": "start", "input_rate": 1e300}'], 1007, "bad_message"),
    "a rate that is NaN": (['{"type": "start", "input_rate": NaN}'], 1007, "bad_message"),
    "a rate that is text": (['{"type": "start", "input_rate": "16000"}'], 1007, "bad_message"),
    "odd bytes": (['{"type": "start"}', b"\0" * 641], 1007, "odd_bytes"),
    "seconds of NaN": (
        ['{"type": "start"}', '{"type": "played", "turn": 1, "seconds": NaN}'],
        1007,
        "bad_message",
    ),
    "a negative turn": (
        ['{"type": "start"}', '{"type": "played", "turn": -1, "seconds": 0}'],
        1007,
        "bad_message",
    ),
    "a message of 70 kB": (['{"type": "start"}', b"\0" * 70_000], 1009, "too_large"),
    "20 s of audio at once": (['{"type": "start"}', *[b"\0" * 64_000] * 10], 1008, "too_fast"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_its_code_and_no_other_session_is_disturbed(live: Live, case: str) -> None:
    messages, close, code = BAD[case]
    with live.client() as other:
        other.begin()
        other.say("ask", text="go on")
        with live.client() as client:
            for message in messages:
                client.socket.send(message)
            assert client.closed() == (close, code)
        live.until(lambda: live.closed == {code or "too_large": 1})
        assert other.wait_for("turn_ended")["heard"] == scripted_agent.REPLY
    assert live.notes == []


def test_text_that_is_no_utf8_is_closed_with_1007(live: Live) -> None:
    with live.client() as client:
        client.begin()
        client.socket.protocol.send_text(b"\xff\xfe")
        client.socket.socket.sendall(b"".join(client.socket.protocol.data_to_send()))
        assert client.closed()[0] == 1007
    live.until(lambda: live.closed == {"bad_message": 1})


@pytest.mark.parametrize(
    "options", [{"token": "wrong"}, {"token": "a-token-of-a-tesT"}, {"token": None, "origin": ""}]
)
def test_a_browser_without_the_token_is_closed_with_1008(live: Live, options: dict[str, Any]) -> None:
    if "origin" in options:
        options = {**options, "origin": f"http://127.0.0.1:{live.port}"}
    with live.client(**options) as client:
        assert client.closed() == (1008, "token")
    assert live.roster.served == 0


def test_a_bearer_token_is_taken_too(live: Live) -> None:
    headers = {"Authorization": "Bearer a-token-of-a-test"}
    with live.client(token=None, additional_headers=headers) as client:
        client.begin()


def test_one_session_too_many_is_told_in_words(tmp_path: Path) -> None:
    with agent(tmp_path) as preloaded, Live(preloaded, replace(QUIET, sessions=1)) as live:
        with live.client() as first:
            first.begin()
            with live.client() as second:
                second.say("start")
                assert second.closed() == (1013, "full")
            assert "all 1 sessions" in second.texts[0]["text"]
            first.say("ask", text="go on")
            first.wait_for("turn_ended")
        live.until(lambda: not live.roster.guests)
        with live.client() as third:
            third.begin()


def test_a_client_that_says_nothing_is_closed(tmp_path: Path) -> None:
    limits = replace(QUIET, start_s=0.2, idle_s=0.4)
    with agent(tmp_path) as preloaded, Live(preloaded, limits) as live:
        with live.client() as client:
            assert client.closed() == (1008, "no_start")
        with live.client() as client:
            client.begin()
            assert client.closed() == (1001, "idle")


def test_a_flood_of_messages_is_closed(tmp_path: Path) -> None:
    limits = Limits(messages_per_s=20)
    with agent(tmp_path) as preloaded, Live(preloaded, limits) as live, live.client() as client:
        client.begin()
        with contextlib.suppress(ConnectionClosed):
            for _ in range(200):
                client.say("played", turn=0, seconds=0)
        assert client.closed() == (1008, "flood")


def test_a_flood_of_commands_is_closed_sooner_than_one_of_reports(live: Live) -> None:
    with live.client() as client:
        client.begin()
        with contextlib.suppress(ConnectionClosed):
            for _ in range(200):
                client.say("played", turn=0, seconds=0)
            for _ in range(80):
                client.say("interrupt")
        assert client.closed() == (1008, "flood")
    assert "commands a second" in next(m["text"] for m in client.texts if m["type"] == "error")


def test_a_client_that_never_reads_is_closed_and_its_session_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vflow.web.server.SEND_BUFFER", 4_096)
    limits = replace(QUIET, send_s=0.3, resume_for_s=0.2)
    with agent(tmp_path, word_ms=5_000) as preloaded, Live(preloaded, limits) as live:
        with live.client() as other, live.deaf('{"type": "start"}', '{"type": "ask", "text": "go on"}'):
            other.begin()
            live.until(lambda: "slow_reader" in live.closed)
            live.until(lambda: len(live.roster.guests) == 1)
            other.say("ask", text="go on")
            other.wait_for("word")
        live.until(lambda: not live.server.server_state.connections)


def test_a_client_that_leaves_while_the_agent_speaks_frees_its_session(tmp_path: Path) -> None:
    limits = replace(QUIET, resume_for_s=0.2)
    with agent(tmp_path, word_ms=500) as preloaded, Live(preloaded, limits) as live:
        with live.client() as client:
            client.begin()
            client.say("ask", text="go on")
            client.wait_for("state", state="speaking")
        live.until(lambda: not live.roster.guests)
        with live.client() as client:  # without a close frame
            client.begin()
            client.say("ask", text="go on")
            client.wait_for("state", state="speaking")
            client.socket.socket.shutdown(socket.SHUT_RDWR)
        live.until(lambda: not live.roster.guests)


class Engine:
    """A resource that sessions of a process share; a fault kills it, and then each session that uses it."""

    closed = False

    def answer(self, text: str) -> None:
        self.closed = self.closed or "break" in text
        if self.closed:
            raise RuntimeError(f"cannot answer {text!r}")


class Sharing(scripted_agent.Answer):
    """Answers by the engine."""

    text: str = prop(scripted_agent.REPLY)

    def open(self) -> None:
        self.engine: Engine = self.ctx.shared("test engine", Engine)

    def process_typed(self, packet: TextPacket) -> Any:
        self.engine.answer(packet.text)
        yield from super().process_typed(packet)


def test_failed_session_is_reported_without_its_words_and_the_next_is_served(
    tmp_path: Path,
) -> None:
    with agent(tmp_path, {"t.answer": Sharing}, word_ms=20) as preloaded, Live(preloaded) as live:
        with live.client() as client:
            (session,) = [client.begin()["session"]]
            client.say("ask", text="break it, my secret")
            assert client.closed() == (1011, "failed")
        assert live.notes == [f"session {session} failed: answer: RuntimeError"]
        live.until(lambda: not live.roster.guests)
        for _ in range(2):
            with live.client() as client:
                client.begin()
                client.say("ask", text="go on")
                assert client.wait_for("turn_ended")["heard"] == scripted_agent.REPLY


def test_a_session_for_which_a_model_has_no_room_is_told_to_try_later(tmp_path: Path) -> None:
    class NoRoom(Exception):
        temporary = True

    class Waiting(scripted_agent.Answer):
        def process_typed(self, packet: TextPacket) -> Any:
            raise NoRoom("all slots were busy")
            yield

    with (
        agent(tmp_path, {"t.answer": Waiting}) as preloaded,
        Live(preloaded) as live,
        live.client() as client,
    ):
        session = client.begin()["session"]
        client.say("ask", text="go on")
        assert client.closed() == (1013, "busy")
    assert live.notes == [f"session {session} could not be served: answer: NoRoom"]


def test_a_fault_of_one_sessions_own_touches_no_other(tmp_path: Path) -> None:
    class Failing(scripted_agent.Answer):
        def process_typed(self, packet: TextPacket) -> Any:
            if packet.text == "fail":
                raise ValueError
            yield from super().process_typed(packet)

    with (
        agent(tmp_path, {"t.answer": Failing}) as preloaded,
        Live(preloaded) as live,
        live.client() as other,
        live.client() as client,
    ):
        other.begin()
        other.say("ask", text="go on")
        client.begin()
        client.say("ask", text="fail")
        assert client.closed() == (1011, "failed")
        assert other.wait_for("turn_ended")["heard"] == scripted_agent.REPLY


def test_stopping_server_lets_the_reply_end_and_admits_nobody(tmp_path: Path) -> None:
    with (
        agent(tmp_path, word_ms=20) as preloaded,
        Live(preloaded) as live,
        live.client() as client,
        live.client() as late,
    ):
        client.begin()
        client.say("ask", text="go on")
        client.wait_for("state", state="speaking")
        live.stop()
        live.until(live.roster.stopping.is_set)
        late.say("start")
        assert late.closed() == (1013, "stopping")
        assert client.wait_for("turn_ended")["heard"] == scripted_agent.REPLY
        assert client.closed() == (1001, "stopping")
