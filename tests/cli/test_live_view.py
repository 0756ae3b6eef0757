"""A run as it is printed: who says what, what loads, and the latencies of the turns."""

from __future__ import annotations

import pytest

from tests.stand_ins import Gives
from vflow import (
    MS,
    Bus,
    Flush,
    In,
    Message,
    NodeError,
    Out,
    Played,
    Sink,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    TurnEnd,
    Unavailable,
    prop,
)
from vflow.cli.live_view import Detail, Terminal
from vflow.cli.status_line import ERASE
from vflow.cli.turn_texts import MEDIAN_NEEDS
from vflow.graph.loader import load_text
from vflow.report.turn import TurnRecord
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


def test_reply_is_one_line_after_its_transcript(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_loading_prints_one_line_per_text_of_a_node(log: TurnLog, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [("a", 0.1), ("b", 0.1), ("a", 0.9)]
    terminal = follow(log, *(loading(source, "weights", fraction) for source, fraction in steps))
    terminal.end_line()
    assert capsys.readouterr().err.splitlines() == ["a: weights", "b: weights"]


def test_on_a_terminal_the_loading_line_gives_way_to_the_transcript(
    log: TurnLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    follow(log, loading("a", "weights", 0.5), loading("b", "waits"), said("words", "Hi.", 1)).end_line()
    printed = capsys.readouterr()
    assert printed.err == f"{ERASE}a: weights 50%{ERASE}b: waits{ERASE}"
    assert printed.out == "agent: Hi.\n"


def turn(number: int = 1, **at_ms: int) -> TurnRecord:
    return TurnRecord(number, at_ns={moment: ms * MS for moment, ms in at_ms.items()})


def table(log: TurnLog, capsys: pytest.CaptureFixture[str]) -> list[str]:
    Terminal(log.graph, log, live=True, detail=Detail.VERBOSE).summary()
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
    terminal = Terminal(log.graph, log, live=True, detail=Detail.VERBOSE)
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


def test_malformed_message_is_reported_and_later_ones_are_shown(
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
        assert f"warning: it: posted a malformed {kind} (" in written.err


def test_where_the_user_types_the_next_line_is_asked_for_when_the_reply_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = hearing()
    terminal = Terminal(log.graph, log, live=True, detail=Detail.VERBOSE)
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
    Terminal(log.graph, log, live=False, detail=Detail.VERBOSE if verbose else Detail.PLAIN).failed(
        failed(cause)
    )
    assert capsys.readouterr().err.splitlines() == ["error: it: a.py:3 in process: KeyError: 'key'", *lines]


def test_the_traceback_of_a_node_that_is_skipped_is_printed_below_the_warning(
    log: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(log.graph, log, live=False, detail=Detail.VERBOSE)
    terminal._show(Message("warning", "it", text="skipped: no", data={"error": failed(KeyError("a\x1b\nb"))}))
    terminal._show(Message("warning", "it", text="late"))
    terminal._show(Message("warning", "it", text="skipped: no", data={"error": failed(KeyError("c"))}))
    assert capsys.readouterr().err.splitlines() == [
        "warning: it: skipped: no",
        r"  KeyError: 'a\x1b\nb'",
        "warning: it: late",
        "warning: it: skipped: no",  # once is enough
    ]


def test_printed_traceback_hides_values_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Asks(Hears):
        key: str = prop("")

    monkeypatch.setenv("KEY", "hunter2-s3cr3t")
    graph = load_text("nodes: {it: {use: t.asks, key: '${KEY}'}}\n", nodes={"t.asks": Asks})
    terminal = Terminal(graph, TurnLog(graph), live=False, detail=Detail.VERBOSE)
    terminal.failed(failed(OSError("no hunter2-s3cr3t")))
    assert capsys.readouterr().err.splitlines()[-1] == "  OSError: no ${KEY}"


def talk(detail: Detail, log: TurnLog, *messages: Message) -> Terminal:
    """Print messages as a run may: the log has taken all of them before the first is shown."""
    terminal = Terminal(log.graph, log, live=True, detail=detail)
    bus = Bus()
    for message in messages:
        log.listen(message)
        bus.post(message)
    bus.close()
    terminal.follow(bus)
    terminal.end_line()
    terminal.summary()
    return terminal


def answered(turn: int, *words: str) -> list[Message]:
    """Return the messages of a turn up to the end of its generation."""
    asked = SpeechEnd(turn=turn, pts_ns=1000 * MS, meta={"voice_off_ns": 1000 * MS})
    return [
        Message("event", "it", 1500 * MS, data={"event": SpeechStart(turn=turn), "port": "words"}),
        Message("event", "it", 1500 * MS, data={"event": asked, "port": "words"}),
        said("transcript", "Why?", turn),
        *(said("words", word, turn) for word in words),
        Message("event", "it", 1600 * MS, data={"event": TurnEnd(turn=turn), "port": "words"}),
    ]


def plays(turn: int, phase: str, heard: str = "", at_ms: int = 1700) -> Message:
    data = {
        "played": Played(turn=turn, samples=1, rate=1000, heard=heard),
        "phase": phase,
        "at_ns": at_ms * MS,
    }
    return Message("played", "out", at_ms * MS, data=data)


class Plays(Sink):
    """Stands in for a speaker."""

    text = In(Text("word"))

    def process(self, packet: object) -> None: ...

    def drop(self, epoch: int) -> tuple[Played, ...]:
        return ()

    def lead_ns(self) -> int:
        return 0


@pytest.fixture
def aloud() -> TurnLog:
    text = "nodes: {it: {use: t.hears}, out: {use: t.plays}}\nlinks: [it.words -> out]\n"
    return TurnLog(load_text(text, nodes={"t.hears": Hears, "t.plays": Plays}))


def test_a_turn_is_two_lines_that_say_how_long_the_answer_took(
    aloud: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [[*answered(n, "I", "see."), plays(n, "start"), plays(n, "end", "I see.")] for n in (1, 2)]
    talk(Detail.PLAIN, aloud, *turns[0], *turns[1])
    out, err = capsys.readouterr()
    assert out.splitlines() == ["you:   Why?", "agent: I see. [heard after 0.7 s]"] * 2
    assert err == ""


def test_interrupted_turn_shows_the_words_that_were_heard(
    aloud: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    flush = Flush(1, turn=1, played=(Played(turn=1, samples=700, rate=1000, heard="I"),))
    cut = Message("flush", "pipeline", 1800 * MS, data={"flush": flush})
    talk(Detail.PLAIN, aloud, *answered(1, "I", "see."), plays(1, "start"), cut)
    line = 'agent: I see. [heard after 0.7 s; interrupted, you heard "I"]'
    assert capsys.readouterr().out.splitlines() == ["you:   Why?", line]


def test_a_warning_inside_a_reply_does_not_lose_how_long_it_took(
    aloud: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    late = Message("warning", "it", text="late")
    *words, end = answered(1, "I")
    talk(Detail.PLAIN, aloud, *words, late, end, plays(1, "start"), plays(1, "end", "I"))
    out, err = capsys.readouterr()
    assert out.splitlines() == ["you:   Why?", "agent: I", "agent: ... [heard after 0.7 s]"]
    assert err == "warning: it: late\n"


def test_nothing_but_errors_is_printed_where_that_is_wanted(
    aloud: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [*answered(1, "I"), Message("warning", "it", text="late"), loading("it", "weights")]
    terminal = talk(Detail.QUIET, aloud, *messages, plays(1, "start"), plays(1, "end", "I"))
    terminal.resolved()
    assert capsys.readouterr() == ("", "")
    terminal.failed(failed(None))
    assert capsys.readouterr().err == "error: it: a.py:3 in process: KeyError: 'key'\n"


def test_transcript_omits_text_that_a_console_node_prints(capsys: pytest.CaptureFixture[str]) -> None:
    text = "nodes: {it: {use: t.hears}, out: {use: console}}\nlinks: [it.transcript -> out]\n"
    log = TurnLog(load_text(text, nodes={"t.hears": Hears}))
    talk(Detail.PLAIN, log, said("transcript", "Why?", 1), said("words", "Well.", 1))
    assert capsys.readouterr().out == "agent: Well.\n"


@pytest.mark.parametrize(
    ("detail", "lines"),
    [
        (Detail.PLAIN, ["warning: it: open() has taken 20 s; --verbose says where"]),
        (
            Detail.VERBOSE,
            ["warning: it: open() has taken 20 s, and is at", '    File "a.py", line 3'],
        ),
    ],
)
def test_a_stack_is_printed_only_where_it_is_asked_for(
    detail: Detail, lines: list[str], log: TurnLog, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'open() has taken 20 s, and is at\n  File "a.py", line 3'
    talk(detail, log, Message("warning", "it", text=text))
    assert capsys.readouterr().err.splitlines() == lines


@pytest.mark.parametrize("detail", [Detail.PLAIN, Detail.VERBOSE])
def test_where_nothing_replies_no_reply_is_told_of(
    detail: Detail, capsys: pytest.CaptureFixture[str]
) -> None:
    class Listens(Gives):
        """Says what it heard."""

        transcript = Out(Text("final"))

    log = TurnLog(load_text("nodes: {it: {use: t.listens}}\n", nodes={"t.listens": Listens}))
    asked = Message("event", "it", 1500 * MS, data={"event": SpeechEnd(turn=1), "port": "transcript"})
    cut = Message("flush", "pipeline", 1800 * MS, data={"flush": Flush(1, turn=1)})
    talk(detail, log, asked, said("transcript", "Why?", 1), cut)
    assert capsys.readouterr() == ("you:   Why?\n", "")
