"""A run as it is printed: who says what, what loads, and the latencies of the turns."""

from __future__ import annotations

import pytest

from tests.stand_ins import Gives
from vflow import (
    MS,
    Bus,
    Flush,
    Message,
    NodeError,
    Out,
    SpeechEnd,
    Text,
    TextPacket,
    TurnEnd,
    Unavailable,
    prop,
)
from vflow.cli.live_view import MEDIAN_NEEDS, Terminal, sentence
from vflow.cli.status_line import ERASE
from vflow.graph.loader import load_text
from vflow.report.turn import Speculated, TurnRecord
from vflow.report.turn_log import TurnLog


class Hears(Gives):
    """Answers, and says what it heard."""

    words = Out(Text("word"))
    transcript = Out(Text("final"))


def said(port: str, text: str, turn: int) -> Message:
    packet = TextPacket(text=text, turn=turn)
    return Message("packet", "it", text=text, data={"port": port, "packet": packet})


def shown(capsys: pytest.CaptureFixture[str], *messages: Message) -> list[str]:
    follow(hearing(), *messages).end_line()
    return capsys.readouterr().out.splitlines()


def test_a_reply_is_one_line_behind_its_transcript(capsys: pytest.CaptureFixture[str]) -> None:
    talk = said("transcript", "Why?", 1), said("words", "I", 1), said("words", "see.", 1)
    assert shown(capsys, *talk) == ["you:   Why?", "agent: I see."]


def test_a_reply_whose_transcript_comes_inside_it_is_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    talk = [
        said("words", "I", 1), said("transcript", "Why?", 1), said("words", "see.", 1),
        said("transcript", "What?", 2), said("words", "Well.", 2),
    ]  # fmt: skip
    assert shown(capsys, *talk) == [
        "agent: I",
        "you:   Why?",
        "agent: ... see.",
        "you:   What?",
        "agent: Well.",
    ]


def loading(source: str, text: str, fraction: float | None = None) -> Message:
    return Message("progress", source, text=text, data={"fraction": fraction})


def follow(log: TurnLog, *messages: Message) -> Terminal:
    terminal = Terminal(log.graph, log, live=False)
    for message in messages:
        terminal._show(message)
    return terminal


def hearing() -> TurnLog:
    return TurnLog(load_text("nodes: {it: {use: t.hears}}\n", nodes={"t.hears": Hears}))


@pytest.fixture
def log() -> TurnLog:
    return hearing()


def test_what_loads_is_a_line_for_each_text_of_a_node(
    log: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [("a", 0.1), ("b", 0.1), ("a", 0.9)]
    terminal = follow(log, *(loading(source, "weights", fraction) for source, fraction in steps))
    terminal.end_line()
    assert capsys.readouterr().err.splitlines() == ["a: weights", "b: weights"]


def test_on_a_terminal_what_loads_makes_room_for_what_is_said(
    log: TurnLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    follow(log, loading("a", "weights", 0.5), loading("b", "waits"), said("words", "Hi.", 1)).end_line()
    printed = capsys.readouterr()
    assert printed.err == f"{ERASE}a: weights 50%{ERASE}b: waits{ERASE}"
    assert printed.out == "agent: Hi.\n"


def turn(number: int = 1, **at_ms: int) -> TurnRecord:
    return TurnRecord(number, at_ns={moment: ms * MS for moment, ms in at_ms.items()})


def test_a_sentence_marks_what_no_recording_has_confirmed() -> None:
    found = turn(voice_off=1000, decided=1500, first_word=1600, audible=1800)
    found.heard = "Hello."
    told = (
        "turn 1: end of speech seen after ~500 ms, first word after 100 ms, first sound after ~300 ms,"
        " from your last sound to the reply's first ~800 ms"
    )
    assert sentence(found) == told
    found.measured = True
    assert sentence(found) == told.replace("~", "")


@pytest.mark.parametrize(("heard", "told"), [("Once", 'heard: "Once"'), ("", "before it was heard")])
def test_a_sentence_says_what_was_heard_of_a_reply_that_was_interrupted(heard: str, told: str) -> None:
    found = turn(flushed=2000, silent=2040)
    found.interrupted, found.heard = True, heard
    text = sentence(found)
    assert text.startswith("turn 1: silent after an interruption in ~40 ms, interrupted")
    assert text.endswith(told)


@pytest.mark.parametrize(
    ("withheld", "told"),
    [
        ({"thought_tokens": 40}, "a thought of 40 tokens left unsaid"),
        ({"tool_calls": 1}, "1 tool call left unsaid"),
        ({"tool_calls": 2}, "2 tool calls left unsaid"),
        ({"made_up_turns": 1}, "cut where the model went on with your turn"),
    ],
)
def test_a_sentence_says_what_the_model_did_not_say(withheld: dict[str, int], told: str) -> None:
    assert sentence(TurnRecord(1, heard="Hi.", withheld=withheld)) == f"turn 1: {told}"


def test_a_sentence_says_that_a_reply_was_taken_back_or_held() -> None:
    found = TurnRecord(1, heard="Hi.", interrupted=True, taken_back=True)
    assert sentence(found) == 'turn 1: interrupted, heard: "Hi.", taken back since you spoke on'
    assert sentence(TurnRecord(1, heard="Hi.", held_ns=400 * MS)) == "turn 1: held in vain for 400 ms"


def test_a_sentence_says_that_a_reply_was_prepared() -> None:
    found = TurnRecord(1, heard="Hi.", speculation=Speculated(result="hit"))
    assert sentence(found) == "turn 1: prepared in the pause"


def test_a_reply_without_a_question_is_said_to_be_played() -> None:
    assert sentence(TurnRecord(1, heard="Hi.")) == "turn 1: played"


def table(log: TurnLog, capsys: pytest.CaptureFixture[str]) -> list[str]:
    Terminal(log.graph, log, live=True).table()
    return capsys.readouterr().err.splitlines()


def test_the_table_has_a_row_for_each_turn_and_no_median_of_few(
    log: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    log.turns = {1: turn(1, voice_off=1000, decided=1500, audible=1800), 2: turn(2, decided=5000)}
    assert table(log, capsys)[-4:] == [
        "latency, ms  endpoint  first word  compute  v2v  word to audio  stop",
        "turn 1            500           -      300  800              -     -",
        "turn 2              -           -        -    -              -     -",
        "v2v: max of 1: 800 ms",
    ]


def test_the_median_is_told_where_the_turns_suffice(log: TurnLog, capsys: pytest.CaptureFixture[str]) -> None:
    log.turns = {n: turn(n, voice_off=0, audible=500 + n) for n in range(1, MEDIAN_NEEDS + 1)}
    assert table(log, capsys)[-1] == f"v2v: p50 of {MEDIAN_NEEDS}: 510 ms"


@pytest.mark.parametrize(("audible", "verdict"), [(1900, "kept"), (1901, "BROKEN")])
def test_a_budget_is_kept_or_broken_by_the_slowest_turn(
    capsys: pytest.CaptureFixture[str], audible: int, verdict: str
) -> None:
    text = "budget: {from: voice_off, to: first_audio, max: 900ms}\nnodes: {it: {use: t.hears}}\n"
    log = TurnLog(load_text(text, nodes={"t.hears": Hears}))
    log.turns = {1: turn(1, voice_off=1000, audible=1100), 2: turn(2, voice_off=1000, audible=audible)}
    slowest = audible - 1000
    told = f"budget: voice_off to first_audio at most 900 ms: {verdict} (max of 2: {slowest} ms)"
    assert table(log, capsys)[-1] == told


def test_a_message_looks_at_no_turn_that_has_not_just_ended(
    log: TurnLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    copy = TurnRecord.copy
    monkeypatch.setattr(TurnRecord, "copy", lambda turn: (copied.append(turn.number), copy(turn))[1])
    terminal = Terminal(log.graph, log, live=True)
    for number in range(1, 51):
        asked = Message("event", "it", number, data={"event": SpeechEnd(turn=number, pts_ns=0)})
        cut = Message("flush", "pipeline", number, data={"flush": Flush(number, turn=number)})
        for message in (asked, cut):
            log.listen(message)
            terminal._show(message)
    assert copied == list(range(1, 51))
    assert capsys.readouterr().err.count("turn ") == 50


@pytest.mark.parametrize("text", ["a\nyou:   b", "\x1b]0;owned\x07", "\u202eabc", "\x9b2J"])
def test_nothing_that_is_said_is_a_command_to_the_terminal_or_a_line_of_its_own(
    log: TurnLog, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = Message("warning", "it", text=text)
    terminal = follow(log, said("words", text, 1), warning, loading("it", text), said("transcript", text, 2))
    terminal.failed(NodeError("it", text))
    terminal.end_line()
    printed = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(printed)
    assert [line for line in printed.splitlines() if line.startswith("you:") and "b" in line[:9]] == []
    assert len([line for line in printed.splitlines() if line.startswith("you:")]) <= 1


def test_a_message_that_is_none_of_its_kind_is_told_and_those_after_it_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log, bus = hearing(), Bus()
    bad = [
        Message("packet", "it", text="x"),
        Message("progress", "it", data={"fraction": "half"}),
        Message("warning", "it", text=5),  # type: ignore[arg-type]  # as a node may post it
    ]
    for message in (*bad, said("transcript", "Why?", 1)):
        bus.post(message)
    bus.close()
    terminal = Terminal(log.graph, log, live=False)
    terminal._status.redraws = True
    terminal.follow(bus)
    written = capsys.readouterr()
    assert written.out == "you:   Why?\n"
    for kind in ("packet", "progress", "warning"):
        assert f"warning: it: posted what is no {kind} (" in written.err


def test_where_the_user_types_the_next_line_is_asked_for_when_the_reply_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = hearing()
    terminal = Terminal(log.graph, log, live=True)
    terminal.typed = True
    bus = Bus()
    for message in (
        Message("state", "pipeline", text="playing", data={"state": "playing"}),
        said("transcript", "Why?", 1),
        said("words", "I", 1),
        said("words", "see.", 1),
        Message("event", "it", text="turn_end", data={"event": TurnEnd(turn=1), "port": "words"}),
    ):
        log.listen(message)
        bus.post(message)
    bus.close()
    terminal.follow(bus)
    terminal.end_line()
    out, err = capsys.readouterr()
    assert out == "you:   agent: I see.\nyou:   \n", "what is typed is shown by the terminal itself"
    assert "turn 1: first word after 0 ms" in err


def failed(cause: BaseException | None, text: str = "a.py:3 in process: KeyError: 'key'") -> NodeError:
    error = NodeError("it", text)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "verbose", "lines"),
    [
        (KeyError("key"), False, ["  --verbose prints the traceback"]),
        (KeyError("key"), True, ["  KeyError: 'key'"]),
        (Unavailable("no card; plug one in"), False, []),
        (None, True, []),
    ],
)
def test_the_traceback_of_a_node_is_printed_where_it_is_asked_for(
    cause: BaseException | None,
    verbose: bool,
    lines: list[str],
    log: TurnLog,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Terminal(log.graph, log, live=False, verbose=verbose).failed(failed(cause))
    assert capsys.readouterr().err.splitlines() == ["error: it: a.py:3 in process: KeyError: 'key'", *lines]


def test_the_traceback_of_a_node_that_is_skipped_is_printed_below_the_warning(
    log: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(log.graph, log, live=False, verbose=True)
    terminal._show(Message("warning", "it", text="skipped: no", data={"error": failed(KeyError("a\x1b\nb"))}))
    terminal._show(Message("warning", "it", text="late"))
    terminal._show(Message("warning", "it", text="skipped: no", data={"error": failed(KeyError("c"))}))
    assert capsys.readouterr().err.splitlines() == [
        "warning: it: skipped: no",
        r"  KeyError: 'a\x1b\nb'",
        "warning: it: late",
        "warning: it: skipped: no",  # once is enough
    ]


def test_no_printed_traceback_has_what_the_environment_gave(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Asks(Hears):
        key: str = prop("")

    monkeypatch.setenv("KEY", "hunter2-s3cr3t")
    graph = load_text("nodes: {it: {use: t.asks, key: '${KEY}'}}\n", nodes={"t.asks": Asks})
    terminal = Terminal(graph, TurnLog(graph), live=False, verbose=True)
    terminal.failed(failed(OSError("no hunter2-s3cr3t")))
    assert capsys.readouterr().err.splitlines()[-1] == "  OSError: no ${KEY}"
