"""A session from both sides: what the application hands in, and what it is told, with and without asyncio."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from vflow import GraphError, Message, NodeError, PropertyError, Session, VflowError, load, preload
from vflow.session import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    ReplyWord,
    StateChanged,
    TurnEnded,
    UserBegan,
    UserFinished,
    UserText,
    Warned,
)
from vflow.session import preloaded as preloaded_module
from vflow.session import session as session_module

HUM = scripted_agent.utterance().samples
Make = Callable[..., Session]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = itertools.count()

    def session(pace: str = "clock", **answer: Any) -> Session:
        made: dict[str, Any] = {"text": "one two three", "word_ms": 20, **answer}
        overrides = made.pop("overrides", None)
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        path = scripted_agent.graph(folder, **made)
        return Session(path, pace=pace, nodes=scripted_agent.NODES, overrides=overrides)  # type: ignore[arg-type]

    return session


def until(session: Session, kind: type[Any]) -> list[Event]:
    """The events up to the first of a kind."""
    found: list[Event] = []
    while (event := session.get(PATIENCE_S)) is not None:
        found.append(event)
        if isinstance(event, kind):
            return found
    raise AssertionError(f"no {kind.__name__} came: {found}")


def of(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_pushed_audio_is_answered(make: Make) -> None:
    with make() as session:
        assert session.push(HUM)
        events = until(session, TurnEnded)
    assert [word.text for word in of(events, ReplyWord)] == ["one", "two", "three"]
    assert sum(len(audio.samples) for audio in of(events, ReplyAudio)) == 3 * 480
    assert {audio.rate for audio in of(events, ReplyAudio)} == {24_000}
    states = [event.state for event in of(events, StateChanged)]
    assert [state for state in states if state != "idle"] == ["listening", "processing", "speaking"]
    (record,) = [event.record for event in of(events, TurnEnded)]
    assert record.heard == "one two three"


def test_audio_says_where_its_words_lie(make: Make) -> None:
    with make() as session:
        assert session.push(HUM)
        audio = of(until(session, TurnEnded), ReplyAudio)
    begins = np.cumsum([0, *(len(piece.samples) for piece in audio)])
    spans = [
        (span.index, int(at) + span.start, span.word)
        for at, piece in zip(begins, audio, strict=False)
        for span in piece.spans
    ]
    assert spans == [(0, 0, "one"), (1, 480, "two"), (2, 960, "three")]


def test_the_same_with_asyncio_and_nothing_holds_the_loop(make: Make) -> None:
    async def talk() -> list[Event]:
        found: list[Event] = []
        async with make() as session:
            await session.send(HUM)
            async for event in session:
                found.append(event)
                if isinstance(event, TurnEnded):
                    break
        return found

    events = asyncio.run(talk(), debug=False)
    assert [word.text for word in of(events, ReplyWord)] == ["one", "two", "three"]


def test_send_waits_for_room(make: Make) -> None:
    async def talk() -> int:
        async with make(overrides={"mic.buffer": "1s", "mic.pace": "clock"}) as session:
            long = np.zeros(3 * 8_000, np.int16)
            await asyncio.wait_for(session.send(long, 8_000), PATIENCE_S)
            return session.push(np.zeros(16_000, np.int16))

    assert asyncio.run(talk()) is False  # it is full still


def test_send_takes_bytes_by_the_sample(make: Make) -> None:
    async def talk() -> None:
        async with make() as session:
            await session.send(np.zeros(40_000, "<i2").tobytes())
            with pytest.raises(VflowError, match="their number is even"):
                await session.send(b"abc")

    asyncio.run(talk())


def test_the_kind_of_the_next_answer_is_told_to_the_conversation(make: Make) -> None:
    with make() as session:
        session.expect("phone")
        assert session.conversation.take_expected() == "phone"
        with pytest.raises(VflowError, match="no kind of answer 'fone'"):
            session.expect("fone")


def test_interruption_takes_back_unread_audio(make: Make) -> None:
    with make(text=" ".join(["word"] * 60), word_ms=100) as session:
        session.push(HUM)
        until(session, ReplyAudio)
        session.interrupt()
        events = until(session, TurnEnded)
        assert of(events, ReplyAudio) == [] or session.log.turns[1].heard.count("word") <= 3
        assert [event.turn for event in of(events, Interrupted)] == [1]
        assert events[-1].record.interrupted  # type: ignore[union-attr]


def test_heard_text_follows_the_application_s_reports(make: Make) -> None:
    with make(pace="played", text="one two three four", word_ms=100) as session:
        session.push(HUM)
        sent = 0
        while sent < 4 * 2_400:
            sent += sum(len(audio.samples) for audio in of(until(session, ReplyAudio), ReplyAudio))
        session.played(0.16)
        session.interrupt()
        until(session, TurnEnded)
        assert session.log.turns[1].heard == "one two"
        session.played(0.3, turn=1)
        assert session.log.turns[1].heard == "one two three"


def test_a_session_ends_when_no_more_audio_comes(make: Make) -> None:
    with make() as session:
        session.push(HUM)
        session.end()
        events = list(session)
    assert len(of(events, TurnEnded)) == 1
    with pytest.raises(VflowError, match="the session has ended"):
        session.push(HUM)


def test_a_reply_that_nobody_asked_for_is_cut_too(tmp_path: Path) -> None:
    graph = {
        "nodes": {
            "text": {"use": "text_source", "text": "word " * 60},
            "voice": {"use": "t.voice"},
            "out": {"use": "app_sink"},
        },
        "links": ["text -> voice -> out"],
    }
    with Session(graph, nodes=scripted_agent.NODES) as session:
        until(session, ReplyAudio)
        session.interrupt()
        (cut,) = of(until(session, Interrupted), Interrupted)
    assert cut.turn == 1


def test_an_end_before_the_start_says_so(make: Make) -> None:
    session = make()
    with pytest.raises(VflowError, match="the session has not started"):
        session.end()
    with session:
        session.end()
        list(session)
    session.end()  # it is over


@pytest.mark.parametrize("call", ["push", "interrupt"])
def test_a_session_that_does_not_run_says_so(make: Make, call: str) -> None:
    session = make()
    arguments = [HUM] if call == "push" else []
    with pytest.raises(VflowError, match="the session has not started"):
        getattr(session, call)(*arguments)
    with session:
        getattr(session, call)(*arguments)
    with pytest.raises(VflowError, match="the session has ended"):
        getattr(session, call)(*arguments)


def test_warnings_reach_the_application(make: Make) -> None:
    with make() as session:
        session.push(np.array([np.nan, 0.0]))
        (warned,) = of(until(session, Warned), Warned)
    assert warned.source == "mic"
    assert "not numbers" in warned.text


def test_a_node_that_fails_ends_the_session_with_its_error(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, word: object) -> None:
        raise ValueError("no voice")

    monkeypatch.setattr(scripted_agent.Voice, "process", broken)
    with make() as session:
        session.push(HUM)
        with pytest.raises(NodeError, match="no voice"):
            list(session)


def test_a_node_that_cannot_open_ends_the_events(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise ValueError("no voice")

    monkeypatch.setattr(scripted_agent.Voice, "open", broken)
    session = make()
    with pytest.raises(NodeError, match="no voice"):
        session.start()
    assert session.events.get(PATIENCE_S) is None or session.events._closed


def test_a_graph_without_a_way_in_or_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("nodes: {tone: {use: test_tone}, sink: {use: 'null'}}\nlinks: [tone -> sink]\n")
    with pytest.raises(VflowError, match="neither app_source, app_sink nor app_text"):
        Session(path).start()


def test_a_graph_that_has_both_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("nodes: {a: {use: app_source}, b: {use: app_sink}}\nlinks: [a -> b]\n", encoding="utf-8")
    with Session(path) as session:
        session.push(HUM)
        (audio,) = of(until(session, ReplyAudio), ReplyAudio)
    assert audio.pcm16 == (np.clip(audio.samples, -1, 1) * 32767).astype("<i2").tobytes()
    with pytest.raises(PropertyError):
        session.set("a", "rate", 8000)  # not hot


def test_a_graph_may_be_a_text_or_a_mapping() -> None:
    graph = {"nodes": {"a": {"use": "app_source"}, "b": {"use": "app_sink"}}, "links": ["a -> b"]}
    assert Session(graph).graph.file == "<mapping>"
    assert (
        Session("nodes: {a: {use: app_source}, b: {use: app_sink}}\nlinks: [a -> b]\n").graph.file == "<text>"
    )


def test_a_loop_that_closes_while_a_reply_plays_leaves_nothing_hanging(make: Make) -> None:
    async def leave() -> Session:
        session = make(text=" ".join(["word"] * 60), word_ms=100)
        await session.__aenter__()
        await session.send(HUM)
        async for event in session:
            if isinstance(event, ReplyAudio):
                break
        return session

    session = asyncio.run(leave())
    session.stop()
    assert not session.pipeline.abandoned


def test_a_caller_that_never_reads_costs_bounded_memory(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.session.session.UNREAD", 3)
    ended = threading.Event()
    with make() as session:
        session.pipeline.bus.listen(
            lambda m: ended.set() if m.kind == "played" and m.data["phase"] == "end" else None
        )
        session.push(HUM)
        assert ended.wait(PATIENCE_S)
    assert session.events.dropped > 0
    assert len(list(session)) <= 3


def test_many_sessions_run_in_one_process(make: Make) -> None:
    async def one() -> str:
        async with make() as session:
            await session.send(HUM)
            async for event in session:
                if isinstance(event, TurnEnded):
                    return event.record.heard
        return ""

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(10)))

    assert asyncio.run(all_of_them()) == ["one two three"] * 10


def test_a_typed_turn_is_answered_and_tells_the_application_of_the_same(make: Make) -> None:
    with make() as session:
        assert session.ask("Where is it?", language="en") == 1
        events = until(session, TurnEnded)
    (asked,) = of(events, UserText)
    assert (asked.turn, asked.text) == (1, "Where is it?")
    assert [word.text for word in of(events, ReplyWord)] == ["one", "two", "three"]
    states = [event.state for event in of(events, StateChanged) if event.state != "idle"]
    assert states == ["processing", "speaking"]
    record = events[-1].record  # type: ignore[union-attr]
    assert (record.user, record.heard) == ("Where is it?", "one two three")
    assert record.latency_ns("first_word") > 0
    assert record.latency_ns("v2v") is None, "there was no voice"


def test_a_typed_turn_cuts_the_reply_before_it(make: Make) -> None:
    with make(text="word " * 60, word_ms=100) as session:
        session.push(HUM)
        until(session, ReplyAudio)
        session.ask("Stop.")
        (cut,) = of(until(session, Interrupted), Interrupted)
        (ended,) = of(until(session, TurnEnded), TurnEnded)
    assert (cut.turn, ended.record.number, ended.record.interrupted) == (1, 1, True)


def test_a_text_is_said_after_the_reply_that_is_being_made(make: Make) -> None:
    with make() as session:
        session.ask("Where is it?")
        assert session.say("four five") == 2
        first, second = of(until(session, TurnEnded), TurnEnded) + of(until(session, TurnEnded), TurnEnded)
    assert first.record.heard == "one two three"
    assert (second.record.user, second.record.heard) == (None, "four five")


def test_interruption_takes_back_waiting_texts(make: Make) -> None:
    with make(every="200ms") as session:
        session.ask("Where is it?")
        until(session, ReplyWord)
        session.say("four five")
        session.ask("When?")
        session.end()
        events = list(session)
    assert {event.turn for event in of(events, ReplyWord)} - {1} == {3}


def test_a_text_that_is_said_is_marked_as_cut_where_it_was(make: Make) -> None:
    with make(word_ms=100) as session:
        session.say("word " * 60)
        until(session, ReplyAudio)
        session.interrupt()
        (ended,) = of(until(session, TurnEnded), TurnEnded)
    assert ended.record.interrupted
    assert ended.record.heard.count("word") < 60


def test_a_text_without_barge_in_is_heard_whole_and_voice_over_it_is_answered_after(make: Make) -> None:
    with make() as session:
        session.say("This call is recorded for quality and training", barge_in=False)
        until(session, ReplyAudio)
        session.push(HUM)
        ended: list[Any] = []
        while len(ended) < 2 and (event := session.get(PATIENCE_S)) is not None:
            ended += of([event], TurnEnded)
            session.push(np.zeros(16 * 40, np.float32))  # time goes on for the user as for the reply
    assert [(turn.record.heard, turn.record.interrupted) for turn in ended] == [
        ("This call is recorded for quality and training", False),
        ("one two three", False),
    ]


def test_a_session_without_voices_is_typed(make: Make, tmp_path: Path) -> None:
    path = scripted_agent.graph(tmp_path, text="one two three")
    with Session(path, text="silent", nodes=scripted_agent.NODES) as session:
        assert set(session.graph.nodes) == {"answer", "typed"}
        with pytest.raises(VflowError, match="has no app_source: it takes no audio"):
            session.push(HUM)
        session.ask("Where is it?")
        events = until(session, TurnEnded)
    assert [word.text for word in of(events, ReplyWord)] == ["one", "two", "three"]
    assert events[-1].record.heard == "one two three", "nothing plays: what was written was read"  # type: ignore[union-attr]


def test_a_graph_whose_generator_takes_no_text_says_so_when_it_is_asked() -> None:
    graph = {"nodes": {"a": {"use": "app_source"}, "b": {"use": "app_sink"}}, "links": ["a -> b"]}
    with Session(graph) as session, pytest.raises(VflowError, match="no generator in it takes text, or"):
        session.ask("Where is it?")
    with pytest.raises(GraphError, match="no generator takes text"):
        Session(graph, text="alone").start()


def test_button_cuts_the_pushed_audio_into_turns(tmp_path: Path) -> None:
    path = scripted_agent.graph(tmp_path, text="one two three", word_ms=20)
    with Session(path, push_to_talk=True, nodes=scripted_agent.NODES) as session:
        session.press()
        session.push(np.zeros(16_000, np.float32))
        session.release()
        events = until(session, TurnEnded)
    assert [word.text for word in of(events, ReplyWord)] == ["one", "two", "three"]
    record = events[-1].record  # type: ignore[union-attr]
    assert (record.number, record.heard) == (1, "one two three")


def test_pressing_the_button_cuts_the_reply(tmp_path: Path) -> None:
    path = scripted_agent.graph(tmp_path, text="word " * 60, word_ms=100)
    with Session(path, push_to_talk=True, nodes=scripted_agent.NODES) as session:
        session.ask("Where is it?")
        until(session, ReplyAudio)
        session.press()
        (cut,) = of(until(session, Interrupted), Interrupted)
    assert cut.turn == 1


def test_a_graph_without_a_button_says_so(make: Make) -> None:
    with make() as session, pytest.raises(VflowError, match="give 'push_to_talk=True'"):
        session.press()


@pytest.mark.parametrize("audio", [None, 5, {1: 2}, {0.5}, np.float32(1), object(), "abcd"])
def test_send_refuses_a_value_that_is_not_audio_as_push_does(make: Make, audio: Any) -> None:
    with make() as session, pytest.raises(VflowError, match=r"audio is|samples are"):
        asyncio.run(session.send(audio))


@pytest.mark.parametrize("rate", ["fast", 1.5, 0, float("nan"), float("inf"), [8_000]])
def test_send_refuses_an_invalid_rate_as_push_does(make: Make, rate: Any) -> None:
    with make() as session, pytest.raises(VflowError, match="a rate is a whole number of Hz"):
        asyncio.run(session.send(HUM, rate))


def test_a_session_that_has_ended_does_not_start_again(make: Make) -> None:
    with make() as session:
        pass
    with pytest.raises(VflowError, match="the session has ended; start a new one"):
        session.start()
    early = make()
    early.stop()
    with pytest.raises(VflowError, match="the session has ended; start a new one"):
        early.start()


def test_a_session_that_is_made_on_an_event_loop_is_checked_in_another_thread(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    load_graph = preloaded_module.graph_for_sessions

    def noted(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return load_graph(*given)

    monkeypatch.setattr(session_module, "graph_for_sessions", noted)

    async def converse() -> None:
        async with make(text="one") as session:
            await session.send(HUM)
            async for event in session:
                if isinstance(event, TurnEnded):
                    break

    asyncio.run(converse())
    (thread,) = threads
    assert thread is not threading.current_thread()


def test_a_session_that_never_began_loads_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "graph_for_sessions", lambda *given: 1 / 0)
    session = make()
    with pytest.raises(VflowError, match="the session has not started"):
        session.push(HUM)
    with pytest.raises(VflowError, match="the session has not started"):
        session.played(1.0)
    session.stop()
    assert session.get() is None
    for call in (session.start, session.end, session.interrupt, lambda: session.graph):
        with pytest.raises(VflowError, match="the session has ended; start a new one"):
            call()


def test_options_that_come_too_late_are_refused_by_name() -> None:
    graph = {"nodes": {"a": {"use": "app_source"}, "b": {"use": "app_sink"}}, "links": ["a -> b"]}
    with pytest.raises(VflowError, match="output_rate, text would change nothing; give the graph's file"):
        Session(load(graph), text="silent", output_rate=8_000)
    with pytest.raises(VflowError, match="overrides would change nothing; give the graph's file"):
        preload(load(graph), overrides={"a.rate": "8000"})
    with preload(load(graph)) as preloaded:
        with pytest.raises(VflowError, match=r"pace would change nothing; give it to vflow\.preload"):
            Session(preloaded, pace="played")
        assert preloaded.ready == 1, "none was taken"


def test_a_graph_that_was_loaded_with_its_own_devices_says_so(tmp_path: Path) -> None:
    path = scripted_agent.graph(tmp_path)
    loaded = load(path, nodes=scripted_agent.NODES, require_available=False)
    with pytest.raises(VflowError, match="a microphone and a loudspeaker of its own; give the session the"):
        Session(loaded).start()


def test_a_task_that_is_cancelled_while_its_session_begins_leaves_none(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, gate = threading.Event(), threading.Event()

    def slow(self: object) -> None:
        opening.set()
        assert gate.wait(PATIENCE_S)

    monkeypatch.setattr(scripted_agent.Voice, "open", slow)
    session = make()

    async def enter() -> None:
        async with session:
            raise AssertionError("it was cancelled")

    async def cancel() -> None:
        task = asyncio.create_task(enter())
        await asyncio.to_thread(opening.wait, PATIENCE_S)
        task.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert session.pipeline.state.value == "stopped"
    assert not session.pipeline.abandoned


def test_a_cut_is_told_before_the_end_of_its_turn_whatever_else_is_posted_then(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make(text="word " * 60, word_ms=100) as session:
        teller, posted = session._agent().teller, threading.Event()
        listen = session.log.listen
        other = Message("state", "", 0, "", {"state": "playing"})

        def listen_while_another_thread_posts(message: Message) -> None:
            listen(message)
            if message.kind == "flush" and not posted.is_set():
                posted.set()
                thread = threading.Thread(target=teller.listen, args=(other,))
                thread.start()
                while thread.is_alive() and not teller._telling.locked():
                    thread.join(0.001)

        session.ask("Where is it?")
        until(session, ReplyAudio)
        monkeypatch.setattr(session.log, "listen", listen_while_another_thread_posts)
        session.interrupt()
        events = until(session, TurnEnded)
    assert posted.is_set()
    assert [event.turn for event in of(events, Interrupted)] == [1]


def test_a_reply_that_is_held_pauses_and_goes_on(make: Make) -> None:
    overrides = {"speaker.holds": "true"}
    with make(text=" ".join(["word"] * 20), word_ms=100, overrides=overrides) as session:
        mic = session.pipeline.nodes["mic"].ctx
        session.push(HUM)
        sent = sum(len(audio.samples) for audio in of(until(session, ReplyAudio), ReplyAudio))
        mic.hold(True)
        events = until(session, ReplyHeld)
        while (event := session.get(0)) is not None:  # a block may have been on its way
            events.append(event)
        sent += sum(len(audio.samples) for audio in of(events, ReplyAudio))
        assert mic.speaking()
        while (event := session.get(0.1)) is not None:
            assert not isinstance(event, ReplyAudio)
        mic.hold(False)
        events = until(session, ReplyGoesOn) + until(session, TurnEnded)
    sent += sum(len(audio.samples) for audio in of(events, ReplyAudio))
    assert sent == 20 * 2_400
    assert session.log.turns[1].heard.count("word") == 20


def test_a_reply_that_is_taken_back_while_it_is_held_is_cut_and_then_goes_on_with_nothing(make: Make) -> None:
    with make(text=" ".join(["word"] * 20), word_ms=100, overrides={"speaker.holds": "true"}) as session:
        mic = session.pipeline.nodes["mic"].ctx
        session.push(HUM)
        until(session, ReplyAudio)
        mic.hold(True)
        mic.take_back(1)
        events = until(session, ReplyGoesOn)
    (cut,) = of(events, Interrupted)
    assert events.index(cut) < events.index(of(events, ReplyGoesOn)[0])
    assert session.log.turns[1].taken_back


def test_the_user_is_told_of_from_the_begin_of_speech_to_its_end(make: Make) -> None:
    with make() as session:
        session.push(HUM)
        events = until(session, TurnEnded)
        (began,), (finished,) = of(events, UserBegan), of(events, UserFinished)
        session.push(HUM)
        events = until(session, TurnEnded)
        (again,) = of(events, UserBegan)
    assert (began.turn, finished.turn, again.turn) == (1, 1, 2)
    lasts_s = len(HUM) / 16_000
    assert 0 <= began.at_s < 0.1 < finished.at_s <= lasts_s
    assert lasts_s - 0.4 <= again.at_s < lasts_s + 0.1


def test_a_button_makes_the_utterances_of_a_turn_that_detects_none(make: Make) -> None:
    with make() as session:
        session.set("vad.turn", "detect", False)
        session.press()
        session.push(np.zeros(8_000, np.float32))
        session.release()
        assert of(until(session, TurnEnded), UserFinished)
        session.set("vad.turn", "detect", True)
        with pytest.raises(VflowError, match="no button"):
            session.press()


def test_a_reply_whose_end_the_application_knows_is_remembered_and_reported_so(make: Make) -> None:
    with make() as session:
        session.ask("go on")
        (ended,) = of(until(session, TurnEnded), TurnEnded)
        session.conversation.append("assistant", "one two three", ended.record.number)
        session.settle(ended.record.number, "one")
        assert session.conversation.entries()[-1].text == "one"
        assert session.log.turns[ended.record.number].heard == "one"


def test_a_prompt_is_answered_without_a_word_of_the_user(make: Make) -> None:
    with make() as session:
        turn = session.prompt("Greet the caller.")
        events = until(session, TurnEnded)
    assert not of(events, UserText)
    assert [word.turn for word in of(events, ReplyWord)] == [turn] * 3


def test_an_interruption_may_leave_later_turns_alone(make: Make) -> None:
    with make(word_ms=100) as session:
        session.ask("go on")
        until(session, ReplyAudio)
        session.interrupt(0)
        assert not of(until(session, TurnEnded), TurnEnded)[0].record.interrupted
        session.ask("go on")
        until(session, ReplyAudio)
        session.interrupt(2)
        assert of(until(session, TurnEnded), TurnEnded)[0].record.interrupted
