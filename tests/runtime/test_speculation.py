"""Speculation: what is made at a pause reaches the world at the commit, or never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Speaker, pipeline
from vflow import (
    SECOND,
    Event,
    In,
    ManualClock,
    Message,
    Node,
    Out,
    Pause,
    Pipeline,
    Resume,
    SpeechEnd,
    Text,
    TextPacket,
    TurnEnd,
)
from vflow.runtime.speculation import Speculation

GRAPH = """
nodes: {user: {use: t.user}, guess: {use: t.guess}, reply: {use: t.reply}, late: {use: t.late},
        shown: {use: t.shown}, log: {use: t.log}}
links:
  - user -> guess -> reply -> late -> shown
  - {from: guess, to: log, keep: true}
"""


class User(Node):
    """Says what the test has it say, event by event, as `turn` would: the runtime hears of it first."""

    live = True
    out = Out(Text("final"))

    def open(self) -> None:
        self.script: list[tuple[str, int]] = []
        self.ready = threading.Semaphore(0)
        self.done = threading.Semaphore(0)

    def say(self, what: str, turn: int = 1) -> None:
        self.script.append((what, turn))
        self.ready.release()
        assert self.done.acquire(timeout=PATIENCE_S)

    def produce(self) -> Iterator[Any]:
        at_ns = 0
        while True:
            assert self.ready.acquire(timeout=PATIENCE_S)
            what, turn = self.script.pop(0)
            at_ns += 1
            if what == "end":
                self.done.release()
                return
            yield from getattr(self, what)(turn, at_ns)
            self.done.release()

    def speech(self, turn: int, at_ns: int) -> Iterator[TextPacket]:
        yield TextPacket(text="speech", turn=turn, pts_ns=at_ns)

    def pause(self, turn: int, at_ns: int) -> Iterator[Event]:
        self.ctx.speculate(turn)
        yield Pause(turn=turn, pts_ns=at_ns)

    def resume(self, turn: int, at_ns: int) -> Iterator[Event]:
        self.ctx.retract(turn, at_ns)
        yield Resume(turn=turn, pts_ns=at_ns)

    def finish(self, turn: int, at_ns: int) -> Iterator[Event]:
        yield SpeechEnd(turn=turn, pts_ns=at_ns)
        self.ctx.commit(turn)


class Guess(Node):
    """Transcribes at a pause in advance, else at the end; each attempt says which it is."""

    heavy = True
    speculates = True
    hold: ClassVar[Gate | None] = None
    text = In(Text("final"))
    out = Out(Text("final"), bus=True)

    def open(self) -> None:
        self.attempt, self.given, self.cancels = 0, False, []

    def process(self, packet: TextPacket) -> None:
        """Is held up, where the test has it so."""
        if self.hold is not None:
            self.hold.pass_through()

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, Resume):
            self.given = False
        elif isinstance(event, Pause):
            self.attempt += 1
            if self.ctx.speculative(event):
                self.given = True
                yield TextPacket(text=f"attempt {self.attempt}", turn=event.turn)
        elif isinstance(event, SpeechEnd):
            given, self.given = self.given, False
            if not given:
                yield TextPacket(text="at the end", turn=event.turn)

    def on_cancel(self, flush: Any) -> None:
        self.cancels.append((flush.turn, flush.retracts))
        self.given = False


class Reply(Node):
    """Answers with three words, of which only the first says its turn; in between it may be held up."""

    heavy = True
    generates = True
    gate: ClassVar[Gate | None] = None
    text = In(Text("final"))
    out = Out(Text("word"), bus=True)

    def open(self) -> None:
        self.flushes: list[tuple[int, bool]] = []

    def process(self, packet: TextPacket) -> Iterator[Any]:
        yield TextPacket(text=f"to {packet.text}", turn=packet.turn)
        if self.gate is not None:
            self.gate.pass_through()
            yield None
        for index in (1, 2):
            yield TextPacket(
                text=f"word {index} to {packet.text}", index=index
            )  # an author who forgot the turn
        yield TurnEnd(turn=packet.turn)

    def on_flush(self, flush: Any) -> None:
        self.flushes.append((flush.turn, flush.retracts))


class Shown(Collect):
    """An effect."""

    effect = True
    text = In(Text("word"))


class Log(Shown):
    """An effect that a flush does not reach."""

    text = In(Text("final"))


class Late(Heavy):
    """Something between the reply and the effect."""


class Run:
    """The graph, running, and what is seen of it."""

    def __init__(self, gate: Gate | None = None) -> None:
        Reply.gate = gate
        self.pipeline = pipeline(GRAPH, user=User, guess=Guess, reply=Reply, late=Late, shown=Shown, log=Log)
        self.messages: list[Message] = []
        self.pipeline.bus.listen(self.messages.append)
        self.user: Any = self.pipeline.nodes["user"]

    def __enter__(self) -> Run:
        self.pipeline.start()
        return self

    def __exit__(self, *exc: object) -> None:
        Reply.gate = None
        self.pipeline.stop()

    def end(self) -> None:
        self.user.say("end")
        assert self.pipeline.wait(PATIENCE_S)

    def node(self, name: str) -> Any:
        return self.pipeline.nodes[name]

    @property
    def shown(self) -> list[str]:
        return [packet.text for packet in self.node("shown").got]

    @property
    def told(self) -> list[str]:
        return [message.text for message in self.messages if message.kind == "packet"]


@pytest.fixture
def run() -> Iterator[Run]:
    with Run() as running:
        yield running


def reply_to(text: str) -> list[str]:
    return [f"to {text}", f"word 1 to {text}", f"word 2 to {text}"]


def test_reply_made_at_a_pause_is_heard_only_after_the_commit(run: Run) -> None:
    run.user.say("pause")
    wait_for_withheld(run, 5)
    assert (run.shown, run.told, run.node("log").got) == ([], [], [])
    run.user.say("finish")
    run.end()
    assert run.shown == reply_to("attempt 1")
    assert run.told == ["attempt 1", *reply_to("attempt 1")]
    assert [packet.text for packet in run.node("log").got] == ["attempt 1"]


def test_withheld_messages_say_when_they_were_made(run: Run) -> None:
    run.user.say("pause")
    wait_for_withheld(run, 5)
    run.user.say("finish")
    run.end()
    committed = next(m for m in run.messages if m.kind == "speculation" and m.data["phase"] == "committed")
    words = [m for m in run.messages if m.kind == "packet"]
    assert all(m.data["made_ns"] <= committed.at_ns <= m.at_ns for m in words)


def test_nothing_of_a_retracted_attempt_is_ever_seen(run: Run) -> None:
    run.user.say("pause")
    wait_for_withheld(run, 5)
    run.user.say("resume")
    run.user.say("pause")
    wait_for_withheld(run, 5)
    run.user.say("finish")
    run.end()
    assert run.shown == reply_to("attempt 2")
    assert run.told == ["attempt 2", *reply_to("attempt 2")]
    assert [packet.text for packet in run.node("log").got] == ["attempt 2"]
    assert run.node("guess").cancels == [(1, True)]
    assert run.node("reply").flushes == [(1, True)]


def test_retraction_ends_an_answer_in_progress() -> None:
    gate = Gate()
    with Run(gate) as run:
        run.user.say("pause")
        gate.wait_reached()
        run.user.say("resume")
        gate.open()
        run.user.say("pause")
        wait_for_withheld(run, 5)
        run.user.say("finish")
        run.end()
        assert run.shown == reply_to("attempt 2")


def test_late_pause_is_not_answered_in_advance(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Gate()
    monkeypatch.setattr(Guess, "hold", hold)
    run.user.say("speech")
    hold.wait_reached()
    for what in ("pause", "resume", "pause", "resume"):
        run.user.say(what)
    hold.open()
    run.user.say("finish")
    run.end()
    assert run.shown == reply_to("at the end")


def test_another_turn_is_not_held_nor_retracted() -> None:
    gate = Gate()
    with Run() as run:
        shown = run.node("shown")
        process = shown.process
        shown.process = lambda packet: (gate.pass_through(), process(packet))[1]
        link = next(link for _, link in run.pipeline._wiring.links if link.name == "late.out -> shown.text")
        link.packet = run.pipeline._wiring.runners["shown"].entry("text")
        run.user.say("finish", turn=1)
        gate.wait_reached()  # the reply to turn 1 is on its way: one word at the effect, two in front of it
        run.user.say("pause", turn=2)
        run.user.say("resume", turn=2)
        gate.open()
        run.user.say("finish", turn=2)
        run.end()
        assert run.shown == reply_to("at the end") * 2


def test_end_without_a_pause_is_answered_at_the_end(run: Run) -> None:
    run.user.say("finish")
    run.end()
    assert run.shown == reply_to("at the end")
    assert all("made_ns" not in message.data for message in run.messages)


def test_an_interruption_while_a_turn_is_held_cancels_it(run: Run) -> None:
    run.user.say("pause")
    wait_for_withheld(run, 5)
    run.pipeline.flush(1)
    run.user.say("finish")
    run.end()
    assert run.shown == []
    assert run.told == ["attempt 1"], "what the user said is told all the same"


def test_committed_reply_can_be_interrupted_like_any_other() -> None:
    gate = Gate()
    with Run(gate) as run:
        run.user.say("pause")
        gate.wait_reached()  # one word is made
        run.user.say("finish")
        run.pipeline.flush(1)
        gate.open()
        run.user.say("finish", turn=2)
        run.end()
        assert len(run.shown) <= 4
        assert run.shown[-3:] == reply_to("at the end")


class Hasty(Guess):
    """Looks at the runtime while it takes what the user says, and passes some of it on."""

    hold: ClassVar[Gate | None] = None

    def process(self, packet: TextPacket) -> Iterator[Any]:  # type: ignore[override]
        gate = self.hold
        if gate is not None:
            gate.pass_through()
        yield None
        for number in (1, 2):
            yield TextPacket(text=f"partial {number}", turn=packet.turn)


def test_retraction_lets_work_on_the_users_words_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    monkeypatch.setattr(Hasty, "hold", gate)
    text = """
    nodes: {user: {use: t.user}, guess: {use: t.guess}, shown: {use: t.log}}
    links: [user -> guess -> shown]
    """
    with pipeline(text, user=User, guess=Hasty, log=Log) as running:
        user: Any = running.nodes["user"]
        user.say("speech")
        gate.wait_reached()
        user.say("pause")
        user.say("resume")  # before the node has come to the pause
        gate.open()
        user.say("finish")
        user.say("end")
        assert running.wait(PATIENCE_S)
        shown: Any = running.nodes["shown"]
        assert [packet.text for packet in shown.got] == ["partial 2", "at the end"], "the first was void"
        assert shown.names[:3] == ["pause", "resume", "speech_end"]


class Rates(Node):
    """Rates each transcript, and waits for the test before the verdict leaves."""

    heavy = True
    gate: ClassVar[Gate]
    text = In(Text("final"))
    verdict = Out(Text("verdict"))

    def process(self, packet: TextPacket) -> TextPacket:
        self.gate.pass_through()
        return packet.replace(text="finished")


class Turns(Node):
    """Lets the user's speech pass, and hears verdicts on it."""

    text = In(Text("final"))
    verdict = In(Text("verdict"), optional=True, feedback=True)
    out = Out(Text("final"))

    def open(self) -> None:
        self.flushes = 0
        self.verdicts = threading.Semaphore(0)

    def process(self, packet: TextPacket) -> TextPacket:
        return packet

    def process_verdict(self, packet: TextPacket) -> None:
        self.verdicts.release()

    def on_flush(self, flush: Any) -> None:
        self.flushes += 1


class Hears(Guess):
    """Keeps what the user said."""

    def open(self) -> None:
        super().open()
        self.heard: list[int] = []

    def process(self, packet: TextPacket) -> None:
        self.heard.append(packet.pts_ns)


def test_resume_while_a_verdict_is_on_its_way_loses_no_user_words() -> None:
    Rates.gate = Gate()
    running = pipeline(
        """
nodes: {user: {use: t.user}, turns: {use: t.turns}, hears: {use: t.hears}, rates: {use: t.rates},
        reply: {use: t.reply}, shown: {use: t.shown}}
links: [user -> turns -> hears -> reply -> shown, hears -> rates -> turns]
""",
        user=User,
        turns=Turns,
        hears=Hears,
        rates=Rates,
        reply=Reply,
        shown=Shown,
    )
    user: Any = running.nodes["user"]
    hears: Any = running.nodes["hears"]
    turns: Any = running.nodes["turns"]
    with running:
        for what in ("speech", "speech", "pause"):
            user.say(what)
        Rates.gate.wait_reached()
        for what in ("resume", "speech", "speech", "pause"):
            user.say(what)
        Rates.gate.open()
        assert turns.verdicts.acquire(timeout=PATIENCE_S)
        user.say("speech")
        user.say("finish")
        user.say("end")
        assert running.wait(PATIENCE_S)
        assert hears.heard == [1, 2, 5, 6, 8]
        assert turns.flushes == 0
        assert hears.cancels == [(1, True)]


def test_an_interruption_does_not_pass_feedback() -> None:
    Rates.gate = Gate()
    Rates.gate.open()
    running = pipeline(
        """
nodes: {user: {use: t.user}, turns: {use: t.turns}, reply: {use: t.reply}, rates: {use: t.rates},
        shown: {use: t.shown}}
links: [user -> turns -> reply -> shown, {from: reply, to: rates}, rates -> turns]
""",
        user=User,
        turns=Turns,
        rates=type("Words", (Rates,), {"text": In(Text("word"))}),
        reply=Reply,
        shown=Shown,
    )
    user: Any = running.nodes["user"]
    turns: Any = running.nodes["turns"]
    with running:
        user.say("speech")
        assert turns.verdicts.acquire(timeout=PATIENCE_S)
        running.flush(1)
        user.say("speech", 2)
        user.say("end")
        assert running.wait(PATIENCE_S)
        shown: Any = running.nodes["shown"]
        assert [p.text for p in shown.got if p.turn == 2] == ["to speech"]
        assert turns.flushes == 0


def test_a_pause_that_nobody_answers_is_not_speculative() -> None:
    text = "nodes: {user: {use: t.user}, shown: {use: t.log}}\nlinks: [user -> shown]"
    with pipeline(text, user=User, log=Log) as running:
        user: Any = running.nodes["user"]
        user.say("pause")
        assert not running.speculation.holds(1)
        user.say("end")
        assert running.wait(PATIENCE_S)


def test_no_thread_waits_for_a_commit_when_the_pipeline_stops(run: Run) -> None:
    run.user.say("pause")
    wait_for_withheld(run, 5)
    run.user.script.append(("end", 1))
    run.user.ready.release()
    assert run.pipeline.stop() == []


def wait_for_withheld(run: Run, count: int, turn: int = 1) -> None:
    """Until the reply has been made: its words, its end and the transcript are withheld."""
    speculation = run.pipeline.speculation
    come = threading.Event()
    original = speculation.withhold

    def withhold(*args: Any) -> bool:
        kept = original(*args)
        if len(speculation._ahead[turn].messages) >= count:
            come.set()
        return kept

    speculation.withhold = withhold  # type: ignore[method-assign]
    ahead = speculation._ahead.get(turn)
    if ahead is None or len(ahead.messages) < count:
        assert come.wait(PATIENCE_S)
    del speculation.withhold


def test_under_a_manual_clock_every_seed_shows_one_reply() -> None:
    for seed in range(20):
        scripted = pipeline(SCRIPTED, ManualClock(seed), talker=Talker, guess=Guess, reply=Reply, shown=Shown)
        with scripted as running:
            assert running.wait(PATIENCE_S)
        shown: Any = running.nodes["shown"]
        assert [p.text for p in shown.got] == [*reply_to("attempt 2"), *reply_to("attempt 3")], seed


SCRIPTED = """
nodes: {user: {use: t.talker}, guess: {use: t.guess}, reply: {use: t.reply}, shown: {use: t.shown}}
links: [user -> guess -> reply -> shown]
"""


class Talker(User):
    """Two utterances, the first with a pause in it, on the clock."""

    def produce(self) -> Iterator[Any]:
        said = [("pause", 1), ("resume", 1), ("pause", 1), ("finish", 1), ("pause", 2), ("finish", 2)]
        for index, (what, turn) in enumerate(said, 1):
            self.ctx.wait_until(index * 100)
            yield from getattr(self, what)(turn, index * 100)


def given_up(run: Run) -> list[tuple[int, str]]:
    """The turns that the runtime gave up, with the reasons."""
    return [(m.data["turn"], m.data["given_up"]) for m in run.messages
            if m.kind == "speculation" and m.data.get("given_up")]  # fmt: skip


def warned(run: Run) -> list[tuple[str, str]]:
    return [(m.source, m.text) for m in run.messages if m.kind == "warning"]


def test_a_turn_that_its_source_never_commits_is_given_up_at_the_sources_end(run: Run) -> None:
    run.user.say("pause")
    wait_for_withheld(run, 5)
    run.end()  # the answer stands before the eos in the held link: without an end nobody would get it
    assert (run.shown, run.told) == ([], [])
    assert given_up(run) == [(1, "user has ended")]
    ((source, text),) = warned(run)
    assert source == "user"
    assert text.startswith("turn 1 was answered in advance and never committed")
    assert run.node("guess").cancels == [(1, True)]


def test_five_thousand_turns_that_nobody_commits_are_forgotten_when_the_run_ends(run: Run) -> None:
    run.pipeline._watchdog._stall_after_s = PATIENCE_S  # on a busy machine so many take as long as a stall
    for turn in range(2, 5002):
        run.user.ctx.speculate(turn)
    assert len(run.pipeline.speculation._ahead) == 5000
    run.end()
    assert run.pipeline.speculation._ahead == {}
    assert len(given_up(run)) == 5000
    ((source, text),) = [told for told in warned(run) if "committed" in told[1]]
    assert source == "user"
    assert text.startswith("5,000 turns were answered in advance and never committed: user has ended;")
    assert text.endswith(": " + ", ".join(map(str, range(2, 22))) + ", ..., 5001")


def test_a_stop_gives_up_a_turn_without_a_warning() -> None:
    with Run() as running:
        running.user.say("pause")
        wait_for_withheld(running, 5)
        running.user.ready.release()
        running.user.script.append(("end", 1))
        running.pipeline.stop()
    assert running.pipeline.speculation._ahead == {}
    assert running.shown == []


def test_turn_neither_committed_nor_continued_is_given_up_after_its_time() -> None:
    now = [0]
    speculation = Speculation(frozenset(["reply"]), lambda: now[0])
    speculation.begin(1, "user")
    now[0] = 50
    speculation.withhold(1, 0, Message("packet", "reply", text="late"))
    now[0] = 100
    assert speculation.older_than(50) == []
    now[0] = 101
    assert [ahead.turn for ahead in speculation.older_than(50)] == [1]
    speculation.touch(1)
    assert speculation.older_than(50) == []


def test_an_overdue_turn_is_given_up_when_the_next_one_begins(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.user.say("pause", 1)
    wait_for_withheld(run, 5)
    speculation = run.pipeline.speculation
    monkeypatch.setattr(
        speculation, "older_than", lambda age_ns: [a for a in speculation.begun_by("user") if a.turn == 1]
    )
    run.user.say("pause", 2)
    wait_for_withheld(run, 5, turn=2)
    run.user.say("finish", 2)
    run.end()
    assert run.shown == reply_to("attempt 2")
    assert given_up(run) == [(1, "user has not committed it for 60s")]


def test_a_retraction_after_the_commit_changes_nothing() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    told: list[Message] = []
    speculation.begin(1)
    speculation.commit(1, lambda: None, told.append)
    assert speculation.retract(1, number=5, after_ns=0) is None
    assert not speculation.withhold(1, 9, Message("packet", "reply", text="the transcript"))


def test_a_late_message_of_a_retracted_attempt_is_dropped() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 7)
    speculation.begin(1)
    speculation.retract(1, number=3, after_ns=5)
    assert speculation.withhold(1, 2, Message("packet", "reply", 1, "stale"))
    assert speculation.withhold(1, 3, Message("packet", "reply", 6, "fresh"))
    posted: list[Message] = []
    speculation.commit(1, lambda: None, posted.append)
    assert [(m.text, m.at_ns, m.data["made_ns"]) for m in posted] == [("fresh", 7, 6)]
    assert not speculation.withhold(1, 3, Message("packet", "reply"))


def test_a_pause_that_was_spoken_over_is_not_wanted() -> None:
    speculation = Speculation(frozenset(), lambda: 0)
    assert not speculation.wanted(1, 10)
    speculation.begin(1)
    assert speculation.wanted(1, 0)
    assert speculation.wanted(1, 10)
    speculation.retract(1, 1, after_ns=10)
    assert not speculation.wanted(1, 10)
    assert speculation.wanted(1, 11)


def test_messages_caused_by_a_listener_during_release_keep_their_order() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    speculation.begin(1)
    speculation.withhold(1, 0, Message("packet", "reply", text="first"))
    posted: list[str] = []

    def post(message: Message) -> None:
        if message.text == "first":
            assert speculation.withhold(1, 0, Message("packet", "reply", text="second"))
        posted.append(message.text)

    speculation.commit(1, lambda: None, post)
    assert posted == ["first", "second"]


class Times:
    """A clock that the test sets."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_turns_are_known_by_the_node_that_answered_them_until_they_are_committed() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    for turn, node in ((3, "left"), (1, "left"), (2, "right")):
        speculation.begin(turn, node)
    assert [ahead.turn for ahead in speculation.begun_by("left")] == [1, 3]
    speculation.commit(1, lambda: None, lambda message: None)
    assert [ahead.turn for ahead in speculation.begun_by("left")] == [3]
    speculation.begin(3, "right")  # another pause, of which another node says so
    assert [ahead.turn for ahead in speculation.begun_by("right")] == [2, 3]
    assert speculation.begun_by("left") == []


def test_age_of_a_turn_counts_from_its_last_item_or_message() -> None:
    now = Times()
    speculation = Speculation(frozenset(["reply"]), now)
    now.now_ns = 100
    for turn in (1, 2, 3, 4):
        speculation.begin(turn)
    now.now_ns = 200
    speculation.touch(2)
    speculation.withhold(3, 0, Message("packet", "reply"))
    speculation.begin(4)
    speculation.touch(9)  # of no turn that is answered in advance
    assert speculation.older_than(100) == []
    assert [ahead.turn for ahead in speculation.older_than(99)] == [1]
    now.now_ns = 300
    assert [ahead.turn for ahead in speculation.older_than(99)] == [1, 2, 3, 4]


def test_a_turn_that_is_forgotten_holds_and_withholds_nothing() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    speculation.begin(1)
    speculation.begin(2)
    assert speculation.withhold(1, 0, Message("packet", "reply"))
    speculation.forget(1)
    speculation.forget(7)
    assert (speculation.holds(1), speculation.holds(2)) == (False, True)
    assert not speculation.withhold(1, 0, Message("packet", "reply"))
    assert speculation.retract(1, 1, 0) is None


def test_turn_counts_as_made_while_messages_are_withheld() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    assert not speculation.made(1)
    speculation.begin(1)
    assert not speculation.made(1)
    told = Message("packet", "reply")
    speculation.withhold(1, 0, told)
    assert speculation.made(1)
    assert speculation.retract(1, 1, 0) == [told]
    assert not speculation.made(1)


def test_flush_discards_withheld_messages_of_its_nodes_and_turns() -> None:
    speculation = Speculation(frozenset(["reply", "guess"]), lambda: 0)
    for turn in (1, 2, 3):
        speculation.begin(turn)
        speculation.withhold(turn, 0, Message("packet", "reply", text=f"reply {turn}"))
        speculation.withhold(turn, 0, Message("packet", "guess", text=f"guess {turn}"))
    speculation.cancel(2, frozenset(["reply"]))
    posted: list[str] = []
    for turn in (1, 2, 3):
        speculation.commit(turn, lambda: None, lambda message: posted.append(message.text))
    assert posted == ["guess 1", "guess 2", "reply 3", "guess 3"]


def test_commit_releases_links_before_it_posts_and_touches_no_other_turn() -> None:
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    speculation.begin(1)
    speculation.begin(2)
    speculation.withhold(1, 0, Message("packet", "reply", text="told"))
    acts: list[Any] = []
    speculation.commit(
        1,
        lambda: acts.append((speculation.holds(1), speculation.holds(2))),
        lambda message: acts.append(message.text),
    )
    assert acts == [(False, True), "told"]
    assert not speculation.withhold(1, 0, Message("packet", "reply"))
    assert speculation.withhold(2, 0, Message("packet", "reply"))


def test_commit_of_a_turn_never_made_in_advance_posts_nothing() -> None:
    acts: list[str] = []
    speculation = Speculation(frozenset(["reply"]), lambda: 0)
    speculation.commit(5, lambda: acts.append("released"), lambda message: acts.append(message.text))
    assert acts == ["released"]


GRACE = """
nodes: {user: {use: t.user}, guess: {use: t.guess}, reply: {use: t.reply}, speaker: {use: t.speaker},
        acts: {use: t.acts}, writes: {use: t.writes}, shown: {use: t.shown}}
links:
  - user -> guess -> reply -> speaker
  - guess -> acts
  - reply -> writes
  - reply -> shown
"""


class Doubts(User):
    """Is not sure of an end until the test says so."""

    def finish(self, turn: int, at_ns: int) -> Iterator[Event]:
        self.ctx.doubt(turn)
        yield from super().finish(turn, at_ns)

    def settle(self, turn: int, at_ns: int) -> Iterator[Event]:
        self.ctx.settle(turn)
        yield from ()

    def take_back(self, turn: int, at_ns: int) -> Iterator[Event]:
        self.ctx.take_back(turn)
        yield from ()


class Seen(Shown):
    """Says when it has got a whole reply."""

    def open(self) -> None:
        super().open()
        self.whole = Gate()
        self.whole.open()

    def on_event(self, event: Event) -> None:
        if isinstance(event, TurnEnd):
            self.whole.pass_through()


class Acts(Log):
    """A node that must not act twice on the user's words."""

    after_grace = True


class Writes(Shown):
    """A node that must not act twice on the agent's words."""

    after_grace = True


@pytest.fixture
def grace() -> Iterator[Pipeline]:
    classes = {"user": Doubts, "guess": Guess, "reply": Reply, "speaker": Speaker, "shown": Seen}
    running = pipeline(GRACE, **classes, acts=Acts, writes=Writes)
    yield running
    running.stop()


def got(running: Pipeline) -> tuple[list[str], list[str], list[str]]:
    acts, writes, shown = ([p.text for p in running.nodes[n].got] for n in ("acts", "writes", "shown"))  # type: ignore[attr-defined]
    return acts, writes, shown


def seen(running: Pipeline) -> None:
    """Wait until an effect that does not wait for the grace has got the whole reply."""
    node: Any = running.nodes["shown"]
    node.whole.wait_reached()


@pytest.mark.parametrize("in_advance", [True, False])
def test_node_after_grace_acts_once_the_end_of_the_turn_is_sure(grace: Pipeline, in_advance: bool) -> None:
    user: Any = grace.start().nodes["user"]
    if in_advance:
        user.say("pause")
    user.say("finish")
    seen(grace)
    assert got(grace)[:2] == ([], [])
    user.say("settle")
    user.say("end")
    assert grace.wait(PATIENCE_S)
    (text,), writes, shown = got(grace)
    assert writes == shown == reply_to(text)


def test_node_after_grace_gets_nothing_of_a_taken_back_turn(grace: Pipeline) -> None:
    user: Any = grace.start().nodes["user"]
    user.say("finish", 1)
    seen(grace)
    user.say("take_back", 1)
    user.say("finish", 2)
    user.say("settle", 2)
    user.say("end")
    assert grace.wait(PATIENCE_S)
    acts: Any = grace.nodes["acts"]
    assert [packet.turn for packet in acts.got] == [2]
    acts, writes, shown = got(grace)
    assert writes == reply_to("at the end")
    assert shown == 2 * writes, "what does not wait was done"


def test_doubt_ends_with_its_node(grace: Pipeline) -> None:
    user: Any = grace.start().nodes["user"]
    user.say("finish")
    user.say("end")
    assert grace.wait(PATIENCE_S)
    assert got(grace)[0] == ["at the end"]


def test_a_doubt_that_nobody_settles_ends_after_5_s_with_a_warning() -> None:
    now = [0]
    running = pipeline(GRACE, user=Doubts, guess=Guess, reply=Reply, speaker=Speaker, shown=Seen, acts=Acts,
                       writes=Writes)  # fmt: skip
    running.speculation._now_ns = running._turns._now_ns = lambda: now[0]
    running.nodes["user"].ctx.doubt(1)
    now[0] = 5 * SECOND - 1
    running._look_after()
    assert running.speculation.doubts(1)
    now[0] += 1
    running._look_after()
    assert not running.speculation.doubts(1)
    message = running.bus.get(0)
    assert message is not None
    assert message.text == "turn 1 was kept from nodes with 'after_grace' for 5s, and never settled"


def test_only_the_last_turns_that_were_taken_back_are_remembered() -> None:
    speculation = Speculation(frozenset(), lambda: 0)
    for turn in range(1, 40):
        speculation.take_back(turn)
    assert [turn for turn in range(1, 40) if speculation.was_taken_back(turn)] == list(range(24, 40))
