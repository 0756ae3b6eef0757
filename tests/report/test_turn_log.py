"""The turn log: what it makes of the messages of a bus, and of recordings."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from vflow import (
    MS,
    Audio,
    Flush,
    Message,
    Played,
    SpeechEnd,
    SpeechStart,
    SpeechVoid,
    Text,
    TextPacket,
    TurnEnd,
)
from vflow.graph.graph import Graph, GraphNode
from vflow.graph.loader import load_text
from vflow.graph.secrets import Secrets
from vflow.node import Node, Sink
from vflow.report.states import States
from vflow.report.turn_log import TurnLog


@pytest.fixture
def log() -> TurnLog:
    graph = Graph("test.yaml")
    graph.nodes["stt"] = GraphNode("stt", Node, "stt", "stt", {}, caps={"transcript": Text("final")})
    graph.nodes["chat"] = GraphNode("chat", Node, "chat", "chat", {}, caps={"words": Text("word")})
    graph.nodes["mic"] = GraphNode("mic", Node, "mic", "mic", {}, caps={"audio": Audio()})
    graph.nodes["speaker"] = GraphNode("speaker", Sink, "speaker", "speaker", {})
    return TurnLog(graph)


def event(log: TurnLog, at_ms: int, event: object) -> None:
    log.listen(Message("event", "turn", at_ms * MS, data={"event": event, "port": "speech"}))


def word(log: TurnLog, at_ms: int, text: str, turn: int = 1, tokens: int = 1) -> None:
    packet = TextPacket(text=text, turn=turn, meta={"tokens": tokens})
    log.listen(Message("packet", "chat", at_ms * MS, text, {"packet": packet, "port": "words"}))


def played(log: TurnLog, at_ms: int, phase: str, heard: str, turn: int = 1) -> None:
    record = Played(turn, 100, 24000, heard, len(heard.split()))
    log.listen(
        Message("played", "speaker", at_ms * MS, data={"played": record, "phase": phase, "at_ns": at_ms * MS})
    )


def ask(log: TurnLog, turn: int = 1, at_ms: int = 0) -> None:
    event(log, at_ms + 100, SpeechStart(pts_ns=at_ms * MS, turn=turn))
    event(log, at_ms + 1500, SpeechEnd(turn=turn, meta={"voice_off_ns": (at_ms + 1000) * MS}))
    packet = TextPacket(text="what", turn=turn)
    log.listen(
        Message("packet", "stt", (at_ms + 1500) * MS, "what", {"packet": packet, "port": "transcript"})
    )


def test_a_turn_that_was_heard_whole_has_every_latency_but_stop(log: TurnLog) -> None:
    ask(log)
    word(log, 1600, "Hello", tokens=1)
    word(log, 1650, "you.", tokens=3)
    event(log, 1700, TurnEnd(turn=1, meta={"tokens": 4, "stop_reason": "eos"}))
    played(log, 1800, "start", "")
    played(log, 2500, "end", "Hello you.")
    turn = log.turns[1]
    latencies = {"endpoint": 500, "first_word": 100, "compute": 300, "v2v": 800, "word_to_audio": 200}
    assert {name: turn.latency_ns(name) for name in latencies} == {n: ms * MS for n, ms in latencies.items()}
    assert turn.latency_ns("stop") is None
    assert (turn.user, turn.reply, turn.heard, turn.tokens) == ("what", "Hello you.", "Hello you.", 4)
    assert turn.generated_ns == 200 * MS
    assert [state for _, state in log.states] == ["idle", "listening", "processing", "speaking", "idle"]


def test_a_turn_has_counts_of_what_the_model_did_not_say_where_there_was_some(log: TurnLog) -> None:
    event(log, 1700, TurnEnd(turn=1, meta={"tokens": 9, "thought_tokens": 7, "tool_calls": 0}))
    event(log, 1800, TurnEnd(turn=2, meta={"tokens": 9, "thought_tokens": "many", "tool_calls": 1}))
    turns = log.report([])["turns"]
    assert (turns[0]["thought_tokens"], turns[1]["tool_calls"]) == (7, 1)
    assert "tool_calls" not in turns[0]
    assert "thought_tokens" not in turns[1]
    assert log.snapshot()[0].withheld is not log.turns[1].withheld


def test_a_flush_marks_the_turns_whose_reply_was_open(log: TurnLog) -> None:
    ask(log)
    word(log, 1600, "Once", tokens=2)
    played(log, 1700, "start", "")
    flush = Flush(1, turn=1, played=(Played(1, 10, 24000, "Once", 1),))
    log.listen(Message("flush", "pipeline", 2000 * MS, data={"flush": flush}))
    turn = log.turns[1]
    assert turn.interrupted
    assert (turn.heard, turn.stop_reason, turn.tokens) == ("Once", "flush", 2)
    assert turn.at_ns["flushed"] == 2000 * MS


def typed(log: TurnLog, at_ms: int, turn: int = 1) -> None:
    packet = TextPacket(text="what", turn=turn)
    log.listen(Message("packet", "stt", at_ms * MS, "what", {"packet": packet, "port": "transcript"}))


def test_a_typed_turn_is_decided_when_it_comes(log: TurnLog) -> None:
    typed(log, 1000)
    word(log, 1100, "Hello.")
    played(log, 1200, "start", "")
    turn = log.turns[1]
    assert (turn.user, turn.latency_ns("first_word"), turn.latency_ns("v2v")) == ("what", 100 * MS, None)
    assert [state for _, state in log.states] == ["idle", "processing", "speaking"]
    log.listen(Message("flush", "pipeline", 2000 * MS, data={"flush": Flush(1, turn=1)}))
    assert turn.interrupted


def test_a_turn_that_was_cancelled_before_the_user_had_finished_ends_when_they_have(log: TurnLog) -> None:
    event(log, 100, SpeechStart(turn=1))
    log.listen(Message("flush", "pipeline", 1000 * MS, data={"flush": Flush(1, turn=2)}))
    event(log, 1500, SpeechEnd(turn=1))
    typed(log, 1600, turn=2)
    assert [(turn.number, turn.interrupted) for turn in log.take_ended()] == [(1, True), (2, True)]
    assert log.states.newest == "interrupted"


def test_a_reply_that_nobody_asked_for_is_interrupted_as_the_others(log: TurnLog) -> None:
    word(log, 1100, "Hello.")
    log.listen(Message("flush", "pipeline", 2000 * MS, data={"flush": Flush(1, turn=1)}))
    assert log.turns[1].interrupted


def test_without_a_sink_a_reply_ends_when_it_is_written(log: TurnLog) -> None:
    silent = Graph("test.yaml", nodes={**log.graph.nodes, "speaker": log.graph.nodes["mic"]})
    log = TurnLog(silent)
    for turn in (1, 2):
        typed(log, 1000, turn)
        word(log, 1100, "Hello", turn)
        word(log, 1200, "you.", turn)
    event(log, 1300, TurnEnd(turn=1))
    log.listen(Message("flush", "pipeline", 2000 * MS, data={"flush": Flush(1, turn=2)}))
    assert [(turn.heard, turn.interrupted) for turn in log.take_ended()] == [
        ("Hello you.", False), ("Hello you.", True)
    ]  # fmt: skip
    assert [state for _, state in log.states] == ["idle", "processing", "idle", "interrupted"]


def test_a_flush_after_the_reply_was_heard_interrupts_nothing(log: TurnLog) -> None:
    ask(log)
    word(log, 1600, "Yes.")
    played(log, 1700, "start", "")
    played(log, 2000, "end", "Yes.")
    log.listen(Message("flush", "pipeline", 3000 * MS, data={"flush": Flush(1, turn=1)}))
    assert not log.turns[1].interrupted
    assert log.turns[1].heard == "Yes."


def test_recordings_replace_the_runtime_s_own_times(log: TurnLog, tmp_path: Path) -> None:
    ask(log)
    word(log, 1600, "Yes.")
    played(log, 1700, "start", "")
    played(log, 2700, "end", "Yes.")
    said, spoken = np.zeros(3 * 16000), np.zeros(3 * 24000)
    said[: int(0.9 * 16000)] = 0.3 * np.sin(np.arange(int(0.9 * 16000)))
    spoken[int(1.75 * 24000) : int(2.5 * 24000)] = 0.2
    soundfile.write(tmp_path / "in.wav", said, 16000)
    soundfile.write(tmp_path / "out.wav", spoken, 24000)
    log.refine(tmp_path / "in.wav", tmp_path / "out.wav")
    at_ns = log.turns[1].at_ns
    assert abs(at_ns["voice_off"] - 900 * MS) <= 30 * MS
    assert abs(at_ns["audible"] - 1750 * MS) <= 5 * MS
    assert abs(at_ns["silent"] - 2500 * MS) <= 5 * MS
    assert log.turns[1].measured


def test_a_silent_recording_has_no_audible_moment(log: TurnLog, tmp_path: Path) -> None:
    ask(log)
    played(log, 1700, "start", "")
    soundfile.write(tmp_path / "out.wav", np.zeros(24000 * 3), 24000)
    log.refine(None, tmp_path / "out.wav")
    assert log.turns[1].as_dict()["at_ms"]["audible"] is None
    assert log.turns[1].as_dict()["latency_ms"]["v2v"] is None


def ahead(log: TurnLog, at_ms: int, phase: str, **data: object) -> None:
    log.listen(Message("speculation", "pipeline", at_ms * MS, data={"turn": 1, "phase": phase, **data}))


def test_a_hit_says_what_the_first_word_took_and_how_far_ahead_it_began(log: TurnLog) -> None:
    ahead(log, 1100, "begun")
    ask(log)
    ahead(log, 1500, "committed", made=True)
    packet = TextPacket(text="Hello", turn=1)
    data = {"packet": packet, "port": "words", "made_ns": 1250 * MS}
    log.listen(Message("packet", "chat", 1500 * MS, "Hello", data))
    turn = log.turns[1]
    assert turn.as_dict()["speculation"] == {
        "result": "hit", "attempts": 1, "wasted_words": 0, "ahead_ms": 400.0, "first_word_ms": 150.0,
    }  # fmt: skip
    assert turn.latency_ns("first_word") == 0


def test_answers_in_advance_that_were_taken_back_are_counted(log: TurnLog) -> None:
    ahead(log, 1100, "begun")
    packet = TextPacket(text="Hel", turn=1)
    void = [Message("packet", "chat", 0, "Hel", {"packet": packet, "port": "words"})]
    ahead(log, 1200, "retracted", withheld=void)
    ask(log)
    ahead(log, 1500, "committed", made=False)
    speculated = log.turns[1].speculation
    assert (speculated.result, speculated.attempts, speculated.wasted_words) == ("miss", 1, 1)


@pytest.mark.parametrize("tokens", [np.int64(4), np.float32(4), float("nan"), "four", b"4", None, object()])
def test_tokens_of_any_kind_cost_no_report(log: TurnLog, tokens: object) -> None:
    ask(log)
    packet = TextPacket(text="Hello", turn=1, meta={"tokens": tokens})
    log.listen(Message("packet", "chat", 1600 * MS, "Hello", {"packet": packet, "port": "words"}))
    event(log, 1700, TurnEnd(turn=1, meta={"tokens": tokens, "stop_reason": "eos"}))
    turn = json.loads(json.dumps(log.report([]), allow_nan=False))["turns"][0]
    whole = isinstance(tokens, np.number)
    assert turn["tokens"] == (4 if whole else 0)
    assert turn["stop_reason"] == "eos"
    assert any("chat" in warning and "tokens" in warning for warning in log.warnings) != whole


def test_stats_are_kept_as_they_were_when_they_were_posted(log: TurnLog) -> None:
    counts = {"peaks": np.array([1, 2]), "odd": {1j}}
    log.listen(Message("stats", "chat", 0, data=counts))
    counts["peaks"] = np.zeros(2)
    assert log.report([])["stats"]["chat"] == {"peaks": [1, 2], "odd": ["1j"]}
    assert log.losses == ["chat: what it posted for the report holds a complex, which is written as text"]


def test_values_from_the_environment_are_hidden_in_counted_texts() -> None:
    log = TurnLog(Graph("g.yaml", secrets=Secrets({"hunter2-s3cr3t": "${KEY}"})))
    deep = {"hunter2-s3cr3t": [{"a": "x hunter2-s3cr3t", "b": b"hunter2-s3cr3t", 1: Path("hunter2-s3cr3t")}]}
    log.listen(Message("stats", "chat", 0, data=deep))
    event(log, 0, TurnEnd(turn=1, meta={"stop_reason": "hunter2-s3cr3t"}))
    report = json.dumps(log.report([]))
    assert "hunter2" not in report
    assert report.count("${KEY}") == 5


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("event", {"event": TurnEnd(turn=None)}),  # type: ignore[arg-type]  # as a node may
        ("event", {"event": TurnEnd(turn=10**5000)}),
        ("event", {"event": SpeechStart(turn=2, pts_ns="now")}),  # type: ignore[arg-type]
        ("event", {"event": SpeechStart(turn=2, pts_ns=float("inf"))}),  # type: ignore[arg-type]
        ("event", {}),
        ("packet", {}),
        ("flush", {"flush": None}),
        ("played", {"played": 5, "phase": "start", "at_ns": 0}),
        ("played", {"played": Played("one", 1, 1), "phase": "start", "at_ns": 0}),  # type: ignore[arg-type]
        ("played", {"played": Played(1, 1, 1), "phase": "start", "at_ns": "now"}),
        ("speculation", {"turn": "one"}),
    ],
)
def test_malformed_message_names_its_node_and_does_not_lose_the_report(
    log: TurnLog, kind: Any, data: dict[str, Any]
) -> None:
    ask(log)
    log.listen(Message(kind, "chat", 0, data=data))
    played(log, 2000, "start", "")
    assert [turn.number for turn in log.snapshot()][:1] == [1]
    assert log.report([])["turns"][0]["at_ms"]["audible"] == 2000
    assert any(
        loss.startswith(f"chat: what it posted for the report holds what is no {kind} (")
        for loss in log.losses
    )


def test_losses_are_bounded_as_warnings_are(log: TurnLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.report.turn_log.KEPT_WARNINGS", 3)
    for size in range(10_001, 10_008):
        log.listen(Message("stats", "chat", 0, data={"all": np.zeros(size)}))
    assert len(log.losses) == 3
    assert log.report([])["left_out"] == {"warnings": 4}


def test_a_turn_that_has_ended_is_taken_once(log: TurnLog) -> None:
    ask(log, 1)
    word(log, 600, "Yes.", 1)
    assert log.take_ended() == []
    played(log, 700, "end", "Yes.", 1)
    ask(log, 2, 1000)
    log.listen(Message("flush", "pipeline", 2000 * MS, data={"flush": Flush(1, turn=2)}))
    assert [(turn.number, turn.interrupted) for turn in log.take_ended()] == [(1, False), (2, True)]
    played(log, 2100, "end", "", 2)
    assert log.take_ended() == []


def test_the_newest_turn_is_a_copy(log: TurnLog) -> None:
    assert log.newest() is None
    ask(log, 1)
    ask(log, 2)
    newest = log.newest()
    assert newest is not None
    newest.words.append("x")
    assert (newest.number, log.turns[2].words) == (2, [])


def test_a_flush_that_cut_a_reply_is_known_by_its_time(log: TurnLog) -> None:
    ask(log, 1)
    for at_ms in (2000, 3000):  # the second cuts nothing
        log.listen(Message("flush", "pipeline", at_ms * MS, data={"flush": Flush(1, turn=1)}))
    assert [log.interrupted_at(at_ms * MS) for at_ms in (1000, 2000, 3000)] == [False, True, False]


def test_a_long_conversation_keeps_the_newest_turns_and_counts_the_others(
    log: TurnLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vflow.report.turn_log.KEPT_TURNS", 3)
    for turn in range(1, 6):
        ask(log, turn, turn * 1000)
    assert list(log.turns) == [3, 4, 5]
    assert log.report([])["left_out"] == {"turns": 2}
    log.listen(Message("flush", "pipeline", 9000 * MS, data={"flush": Flush(1, turn=5)}))
    assert [turn.number for turn in log.take_ended()] == [3, 4, 5]


def test_a_warning_that_comes_again_is_counted(log: TurnLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.report.turn_log.KEPT_WARNINGS", 2)
    for text in ("late", "late", "early", "odd"):
        log.listen(Message("warning", "mic", text=text))
    assert log.warnings == ["mic: late (2 times)", "mic: early"]
    assert log.report([])["left_out"] == {"warnings": 1}


def test_a_report_that_is_whole_leaves_nothing_out(log: TurnLog) -> None:
    ask(log, 1)
    assert "left_out" not in log.report([])


def test_a_turn_of_twenty_words_is_kept_in_1500_bytes(log: TurnLog) -> None:
    reply = "and here is what it says in just as many words as a reply has in most of the talks"

    def talk(turns: range) -> None:
        for turn in turns:
            ask(log, turn, turn * 1000)
            for said in reply.split():
                word(log, turn * 1000 + 200, said, turn)
            played(log, turn * 1000 + 300, "start", "", turn)
            played(log, turn * 1000 + 900, "end", f"and here is {turn}", turn)
        log.take_ended()

    tracemalloc.start()
    try:
        talk(range(1, 50))
        before = tracemalloc.get_traced_memory()[0]
        talk(range(50, 150))
        assert (tracemalloc.get_traced_memory()[0] - before) / 100 < 1500
    finally:
        tracemalloc.stop()


def test_states_are_bounded(log: TurnLog) -> None:
    log.states = States(4)
    for turn in range(1, 5):
        ask(log, turn, turn * 1000)
    assert len(log.states) == 4
    assert log.report([])["left_out"]["states"] > 0


def held(log: TurnLog, at_ms: int, phase: str, ms: int = 0) -> None:
    data = {"node": "turn", "phase": phase, "held_ns": ms * MS}
    log.listen(Message("hold", "pipeline", at_ms * MS, data=data))


def test_a_long_hold_after_which_the_reply_went_on_is_counted_in_its_turn(log: TurnLog) -> None:
    held(log, 500, "released", 400)  # nothing was to be played
    ask(log)
    word(log, 1600, "Once")
    for phase, ms in (
        ("begun", 0), ("released", 300), ("released", 301), ("given_up", 1500), ("flushed", 900),
    ):  # fmt: skip
        held(log, 2000, phase, ms)
    (turn,) = log.report([])["turns"]
    assert (turn["held_ms"], turn["taken_back"]) == (1801, False)
    assert log.losses == []


def taken_back(log: TurnLog, *played: Played, turn: int = 1) -> None:
    flush = Flush(1, turn=turn, played=played, sinks=1, takes_back=True)
    log.listen(Message("flush", "pipeline", 2000 * MS, data={"flush": flush}))


@pytest.mark.parametrize(
    ("heard", "back"), [("", True), ("Once upon a time", True), ("Once upon a time there", False)]
)
def test_a_reply_that_is_taken_back_keeps_what_was_heard_in_the_report(
    log: TurnLog, heard: str, back: bool
) -> None:
    ask(log)
    word(log, 1600, "Once")
    taken_back(log, Played(1, 10, 24000, heard, len(heard.split())))
    turn = log.turns[1]
    assert (turn.heard, turn.taken_back, turn.interrupted) == (heard, back, True)


def test_a_short_reply_that_was_heard_out_is_taken_back_too(log: TurnLog) -> None:
    for turn in (1, 2):
        ask(log, turn)
        word(log, 1600, "Yes.", turn)
        event(log, 1600, TurnEnd(turn=turn, meta={"tokens": 1}))
        played(log, 1700, "start", "", turn)
        played(log, 1800, "end", "Yes.", turn)
    taken_back(log, Played(2, 10, 24000, "Yes.", 1, ended=True), turn=2)
    assert [(turn.taken_back, turn.interrupted) for turn in log.turns.values()] == [
        (False, False),
        (True, False),
    ]


def test_a_word_of_assent_over_a_reply_is_counted_and_is_no_turn(log: TurnLog) -> None:
    ask(log, 1)
    word(log, 1600, "Yes.", 1)
    played(log, 1700, "start", "", 1)
    event(log, 1750, SpeechStart(turn=2))
    event(log, 2300, SpeechVoid(turn=2))
    assert list(log.turns) == [1]
    assert [state for _, state in log.states][-2:] == ["listening", "speaking"]
    assert log.report([])["backchannels"] == 1


def test_a_report_without_backchannels_does_not_mention_them(log: TurnLog) -> None:
    assert "backchannels" not in log.report([])


def test_no_latency_of_audio_that_no_clock_paces_is_reported() -> None:
    text = "nodes: {mic: {use: test_tone, pace: free}, end: {use: 'null'}}\nlinks: [mic -> end]\n"
    log = TurnLog(load_text(text))
    event(log, 1500, SpeechEnd(turn=1, meta={"voice_off_ns": 1000 * MS}))
    played(log, 1800, "start", "")
    assert (log.turns[1].latency_ns("v2v"), log.turns[1].latency_ns("endpoint")) == (None, None)
    assert log.turns[1].latency_ns("compute") == 300 * MS


def test_turn_knows_who_answered_it_and_how_long_the_prompt_was(log: TurnLog) -> None:
    ask(log)
    word(log, 1600, "Hello.")
    event(log, 1700, TurnEnd(turn=1, meta={"tokens": 2, "prompt_tokens": 31}))
    ask(log, turn=2, at_ms=5000)
    event(log, 6700, TurnEnd(turn=2, meta={"tokens": 2, "prompt_tokens": "many"}))
    first, second = log.snapshot()
    assert (first.answered_by, first.prompt_tokens) == ("chat", 31)
    assert (second.answered_by, second.prompt_tokens) == ("", 0)


def test_cut_reply_tells_its_prompt_with_its_first_word(log: TurnLog) -> None:
    ask(log)
    packet = TextPacket(text="Hello", turn=1, meta={"prompt_tokens": 400, "prompt_audio_tokens": 375})
    log.listen(Message("packet", "chat", 1600 * MS, "Hello", {"packet": packet, "port": "words"}))
    word(log, 1650, "you.")
    (turn,) = log.snapshot()
    assert (turn.prompt_tokens, turn.prompt_audio_tokens) == (400, 375)
    assert turn.as_dict()["prompt_tokens"] == 400


def test_readers_get_turns_apart_and_unfinished_ones_at_the_end(log: TurnLog) -> None:
    reader = log.new_reader()
    ask(log)
    assert [turn.number for turn in log.unfinished()] == [1]
    played(log, 1800, "start", "")
    played(log, 2500, "end", "Hello you.")
    ask(log, turn=2, at_ms=5000)
    assert [turn.number for turn in log.take_ended()] == [1]
    assert [turn.number for turn in log.take_ended(reader)] == [1]
    assert log.take_ended(reader) == []
    assert [turn.number for turn in log.unfinished()] == [2]
