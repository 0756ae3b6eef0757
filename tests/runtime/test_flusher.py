from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Pass, Speaker, Words, pipeline, word
from vflow import (
    MS,
    AudioPacket,
    Event,
    Flush,
    In,
    ManualClock,
    Message,
    Node,
    Out,
    Pipeline,
    Played,
    QueueOptions,
    SpeechStart,
    Text,
    TextPacket,
    TurnEnd,
    VflowError,
)
from vflow.runtime.held_link import HeldLink


class Reply(Node):
    """Replies to each word with three words of its turn; notes replies begun, words sent and calls of its
    hooks."""

    heavy = True
    generates = True
    text = In(Text("word"))
    words = Out(Text("word"), bus=True)

    def open(self) -> None:
        self.begun: list[int] = []
        self.sent: list[int] = []
        self.log: list[str] = []

    def process(self, packet: TextPacket) -> Iterator[Any]:
        self.begun.append(packet.index)
        try:
            for n in range(3):
                made = packet.replace(index=packet.index * 3 + n)
                self.sent.append(made.index)
                yield made
                yield None
        finally:
            self.log.append(f"closed {packet.turn}")

    def on_cancel(self, flush: Flush) -> None:
        self.log.append(f"cancelled {flush.turn}")


def node(running: Pipeline, name: str, cls: type[Any]) -> Any:
    found = running.nodes[name]
    assert isinstance(found, cls)
    return found


LINE = """
nodes: {words: {use: t.words}, heavy: {use: t.heavy}, sink: {use: t.collect}}
links: [words -> heavy -> sink]
"""


def test_the_audio_that_waits_downstream_of_a_node_is_counted_and_no_other() -> None:
    running = pipeline(LINE, heavy=Heavy)
    for (_, link), ms in zip(running._wiring.links, (500, 20), strict=True):
        link.put(AudioPacket(data=np.zeros(ms * 16, np.float32), rate=16000))
    assert running._flusher.queued_ns(frozenset(["heavy"])) == 20 * MS
    assert running._flusher.queued_ns(frozenset(["words"])) == 520 * MS


def test_flushes_and_retractions_are_counted_together_from_1_and_cancel_no_turn_before() -> None:
    running = pipeline(LINE)
    flusher, words = running._flusher, frozenset(["words"])
    assert flusher.cancelled_turn == 0
    running.speculation.begin(2)
    assert flusher.retract(words, 2, 0) == []
    assert flusher.flush(words, 1)[0].number == 2
    assert flusher.cancelled_turn == 1


def test_flush_and_retraction_reach_only_links_downstream() -> None:
    running = pipeline(LINE)
    before, after = (link for _, link in running._wiring.links)
    for link in (before, after):
        link.put(word(0, turn=2))
    running.speculation.begin(2)
    running._flusher.retract(frozenset(["heavy"]), 2, 0)
    assert (before.pop(), after.pop()) == (word(0, turn=2), None)
    before.put(word(1, turn=2))
    running._flusher.flush(frozenset(["heavy"]), 2)
    assert (before.floor, after.floor) == (0, 2)
    assert before.pop() == word(1, turn=2)


def test_sink_that_drops_longer_than_asked_is_named() -> None:
    named: list[str] = []

    class Drops(Speaker):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            flusher = running._flusher
            named.extend([flusher.dropping(), flusher.dropping(longer_than_s=3600.0)])
            return super().drop(epoch)

    class Waits(Words):
        def produce(self) -> Iterator[Any]:
            yield None
            self.ctx.wait_until()

    text = LINE.replace("t.collect", "t.drops").replace("t.words", "t.waits")
    running = pipeline(text, drops=Drops, waits=Waits)
    with running:
        running.flush(origins=["words"])
        named.append(running._flusher.dropping())
    assert named == ["sink", "", ""]


# under load


class Loaded(Words):
    """A source of words at full speed, each marked with the newest flush that had begun by then."""

    begun = 0

    def produce(self) -> Iterator[Any]:
        index = 0
        while True:
            yield word(index, meta={"begun": self.begun})
            index += 1


class Judge(Speaker):
    """Notes packets that were made before a flush and are played after it."""

    done = 0

    def open(self) -> None:
        super().open()
        self.stale: list[TextPacket] = []

    def play(self, packet: TextPacket) -> None:
        if packet.meta["begun"] < self.done:
            self.stale.append(packet)
        super().play(packet)


class Marked(Reply):
    """Marks its packets with the newest flush that had begun by then."""

    source: Any = None

    def process(self, packet: TextPacket) -> Iterator[Any]:
        for made in super().process(packet):
            yield made and made.replace(meta={"begun": self.source.begun})


LOADED = """
nodes:
  words:    {use: t.loaded}
  before:   {use: t.collect}
  reply:    {use: t.marked}
  pass:     {use: t.pass}
  heavy:    {use: t.heavy}
  speaker:  {use: t.judge}
  recorder: {use: t.collect}
links:
  - words -> reply -> pass -> heavy -> speaker
  - words -> before
  - {from: reply, to: recorder, keep: true}
"""


def test_200_flushes_under_load_let_nothing_stale_through_and_lose_nothing_else() -> None:
    seed = 4
    draw = random.Random(seed)
    running = pipeline(LOADED, loaded=Loaded, marked=Marked, judge=Judge)
    source, reply, judge = (running.nodes[name] for name in ("words", "reply", "speaker"))
    assert isinstance(source, Loaded)
    assert isinstance(reply, Marked)
    assert isinstance(judge, Judge)
    reply.source = source
    with running:
        for number in range(1, 201):
            seen = len(judge.got)
            while len(judge.got) < seen + draw.choice([0, 1, 40]):
                assert not running.wait(0.0002)
            source.begun = number
            running.flush()
            judge.done = number
        running.drain()
        assert running.wait(PATIENCE_S)
    assert judge.stale == []
    inputs = node(running, "before", Collect).indices
    assert inputs == list(range(len(inputs)))
    assert reply.begun == inputs  # the links into what generates lose nothing
    assert node(running, "recorder", Collect).indices == reply.sent  # nor does a link that keeps
    links = {link.name: link for link in running.stats()}
    assert links["words.out -> reply.text"].stale == 0
    assert sum(link.dropped for link in links.values()) == 0


def test_random_origins_may_be_flushed_in_overlapping_order() -> None:
    text = """
    nodes:
      words: {use: t.words, count: 3000}
      one:   {use: t.heavy}
      two:   {use: t.pass}
      three: {use: t.heavy}
      left:  {use: t.speaker}
      right: {use: t.collect}
    links:
      - words -> one -> two -> three -> left
      - one -> right
    """
    running = pipeline(text)
    stop = threading.Event()

    def flushes(seed: int) -> None:
        draw = random.Random(seed)
        while not stop.is_set():
            running.flush(origins=[draw.choice(["words", "one", "two", "three"])])

    with running:
        threads = [threading.Thread(target=flushes, args=[seed]) for seed in range(2)]
        for thread in threads:
            thread.start()
        try:
            assert running.wait(PATIENCE_S)  # no thread is left behind the others' floor, no eos is lost
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE_S)
    left, right = node(running, "left", Speaker).indices, node(running, "right", Collect).indices
    assert left == sorted(left)
    assert right == sorted(right)
    assert node(running, "right", Collect).names == ["eos"]


# who goes on and who ends


REPLY = """
nodes:
  words:   {use: t.words}
  reply:   {use: t.reply}
  speaker: {use: t.speaker}
links: [words -> reply -> speaker]
"""


def test_flush_returns_during_a_nodes_call_and_the_calls_result_is_refused() -> None:
    gate = Gate()

    class Blocks(Heavy):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()
            return packet

    text = """
    nodes:
      words:   {use: t.words, count: 1}
      reply:   {use: t.reply}
      blocks:  {use: t.blocks}
      speaker: {use: t.speaker}
    links: [words -> reply -> blocks -> speaker]
    """
    with pipeline(text, reply=Reply, blocks=Blocks) as running:
        gate.wait_reached()
        running.flush()  # returns, though the gate is shut
        gate.open()
        assert running.wait(PATIENCE_S)
    assert node(running, "speaker", Speaker).got == []


def test_generator_is_closed_before_on_cancel() -> None:
    gate = Gate()

    class Looks(Reply):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            for item in super().process(packet):
                yield item
                gate.pass_through()

    text = REPLY.replace("{use: t.words}", "{use: t.words, count: 1}")
    with pipeline(text, reply=Looks) as running:
        gate.wait_reached()
        running.flush(turn=7)
        gate.open()
        assert running.wait(PATIENCE_S)
    reply = node(running, "reply", Looks)
    assert reply.log == ["closed 0", "cancelled 7"]
    assert len(reply.sent) == 1


class Turns(Words):
    """Two utterances: turns 1 and 2."""

    def produce(self) -> Iterator[Any]:
        yield word(0, turn=1)
        yield word(1, turn=2)


def test_a_reply_newer_than_the_flush_goes_on_and_each_link_gets_it_once() -> None:
    gate = Gate()

    class Late(Reply):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            if packet.turn == 2:
                gate.pass_through()
            return super().process(packet)

    text = """
    nodes:
      words:    {use: t.turns}
      reply:    {use: t.late}
      speaker:  {use: t.speaker}
      recorder: {use: t.collect}
    links:
      - words -> reply -> speaker
      - {from: reply, to: recorder, keep: true}
    """
    with pipeline(text, turns=Turns, late=Late) as running:
        gate.wait_reached()
        running.flush(turn=1)
        gate.open()
        assert running.wait(PATIENCE_S)
    assert node(running, "speaker", Speaker).indices[-3:] == [3, 4, 5]
    assert node(running, "recorder", Collect).indices == list(range(6))
    posted = [m.data["packet"].index for m in running.bus if m.kind == "packet"]
    assert posted == list(range(6))


def test_a_source_that_is_flushed_goes_on() -> None:
    text = """
    nodes:
      words:   {use: t.words, count: 2000}
      speaker: {use: t.speaker}
    links: [words -> speaker]
    """
    with pipeline(text) as running:
        for _ in range(20):
            running.flush(origins=["words"])
        assert running.wait(PATIENCE_S)
    assert node(running, "speaker", Speaker).indices[-1] == 1999


def test_flush_ends_a_generator_that_waits_for_the_clock() -> None:
    class Scripted(Reply):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            yield packet
            try:
                self.ctx.wait_until()
            finally:
                self.log.append("ended")

    reached = threading.Event()
    running = pipeline(REPLY.replace("{use: t.words}", "{use: t.words, count: 1}"), reply=Scripted)
    running.bus.listen(lambda m: reached.set() if m.kind == "packet" else None)
    with running:
        assert reached.wait(PATIENCE_S)
        running.flush()
        assert running.wait(PATIENCE_S)
    assert node(running, "reply", Scripted).log == ["ended", "cancelled 0"]


def test_an_eos_outlives_a_flush_that_ends_its_delivery() -> None:
    gate = Gate()

    class LastWords(Pass):
        def on_event(self, event: Event) -> Any:
            gate.pass_through()
            return word(99)

    for origin, fused in (("words", "reply"), ("reply", "words")):
        text = """
        nodes:
          words:   {use: t.words, count: 1}
          reply:   {use: t.last}
          fused:   {use: t.last}
          speaker: {use: t.collect}
        links: [words -> reply -> fused -> speaker]
        """
        gate = Gate()
        with pipeline(text, last=LastWords) as running:
            gate.wait_reached()
            running.flush(origins=[origin])
            gate.open()
            assert running.wait(PATIENCE_S), (origin, fused)
        assert node(running, "speaker", Collect).names == ["eos"]


# interruptions by a node


class Talker(Pass):
    """Opens a turn for each word, and interrupts earlier turns."""

    def process(self, packet: TextPacket) -> Iterator[Any]:
        turn = self.ctx.new_turn()
        self.ctx.interrupt(turn - 1)
        yield SpeechStart(turn=turn)
        yield packet.replace(turn=turn)


def test_an_interruption_loses_no_utterance() -> None:
    text = """
    nodes:
      words:   {use: t.words, count: 300}
      turn:    {use: t.turn}
      reply:   {use: t.reply}
      speaker: {use: t.speaker}
    links: [words -> turn -> reply -> speaker]
    """
    for seed in range(3):
        with pipeline(text, ManualClock(seed), turn=Talker, reply=Reply) as running:
            assert running.wait(PATIENCE_S)
        assert node(running, "reply", Reply).begun == list(range(300))
        played = [packet.turn for packet in node(running, "speaker", Speaker).got]
        assert played == sorted(played)
        assert played[-3:] == [300] * 3


def test_flush_by_a_listener_in_a_generators_thread_ends_it_before_on_cancel() -> None:
    running = pipeline(REPLY.replace("{use: t.words}", "{use: t.turns}"), reply=Reply, turns=Turns)

    def listen(message: Any) -> None:
        if message.kind == "packet" and message.data["packet"].index == 1:
            running.flush(turn=1)

    running.bus.listen(listen)
    with running:
        assert running.wait(PATIENCE_S)
    reply = node(running, "reply", Reply)
    assert reply.log == ["closed 1", "cancelled 1", "closed 2"]
    after = [i for i in node(running, "speaker", Speaker).indices if i > 1]  # 1 may come before the flush
    assert after == [3, 4, 5]


def test_event_taken_while_suspended_survives_a_flush_that_ends_the_older_reply() -> None:
    """The next turn's speech_start is passed on by a generator still in the turn before, and is refused."""
    running: Pipeline

    class Meets(Reply):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            try:
                yield packet
                started.wait(PATIENCE_S)
                yield None
                yield packet.replace(index=99)
            finally:
                self.log.append(f"closed {packet.turn}")

        def on_event(self, event: Event) -> Any:
            self.log.append(event.name)
            if isinstance(event, SpeechStart):
                flusher = threading.Thread(target=running.flush, args=[1])
                flusher.start()
                flusher.join(PATIENCE_S)

    class Barges(Words):
        def produce(self) -> Iterator[Any]:
            yield word(0, turn=1)
            yield SpeechStart(turn=2)
            started.set()
            yield word(1, turn=2)

    started = threading.Event()
    text = """
    nodes:
      words: {use: t.barges}
      reply: {use: t.meets}
      sink:  {use: t.collect}
    links: [words -> reply -> sink]
    """
    running = pipeline(text, barges=Barges, meets=Meets)
    with running:
        assert running.wait(PATIENCE_S)
    reply = node(running, "reply", Meets)
    assert reply.log == ["speech_start", "closed 1", "cancelled 1", "closed 2", "eos"]
    sink = node(running, "sink", Collect)
    assert [(p.index, p.turn) for p in sink.got if p.turn == 2] == [(1, 2), (99, 2)]
    assert (99, 1) not in [(p.index, p.turn) for p in sink.got]
    assert sink.names == ["speech_start", "eos"]


# sinks


class Plays(Speaker):
    """Posts on the bus what it drops."""

    def drop(self, epoch: int) -> tuple[Played, ...]:
        super().drop(epoch)
        played = Played(turn=1, samples=epoch, rate=1, heard=self.ctx.name)
        self.ctx.post("played", phase="end", played=played)
        return (played,)


TWO_SINKS = """
nodes:
  words: {use: t.words, count: 1}
  reply: {use: t.reply}
  left:  {use: t.plays}
  right: {use: t.plays}
links: [words -> reply -> left, reply -> right]
"""


def test_flush_tells_what_every_sink_played() -> None:
    with pipeline(TWO_SINKS, reply=Reply, plays=Plays) as running:
        flush = running.flush()
        assert flush.nodes == {"left", "right"}
        assert flush.origins == {"reply"}
        assert (flush.sinks, flush.number, flush.retracts) == (2, 1, False)
        assert {record.heard for record in flush.played} == {"left", "right"}
        assert flush.heard(1) in ("left", "right"), "two sinks that play one reply say it once"


def test_listener_may_flush_while_a_sink_reports_a_flush() -> None:
    running = pipeline(TWO_SINKS, reply=Reply, plays=Plays)
    numbers: list[int] = []

    def listen(message: Any) -> None:
        if message.kind == "played" and len(numbers) < 3:
            numbers.append(number := len(numbers))
            numbers[number] = running.flush().number

    running.bus.listen(listen)
    with running:
        flusher = threading.Thread(target=running.flush, daemon=True)
        flusher.start()
        flusher.join(PATIENCE_S)
        assert not flusher.is_alive()
    assert sorted(numbers) == [2, 3, 4]


def test_a_drop_that_raises_fails_the_pipeline_and_still_flushes_the_rest() -> None:
    class Broken(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            raise OSError("device gone")

    running = pipeline(TWO_SINKS.replace("left:  {use: t.plays}", "left: {use: t.broken}"), reply=Reply,
                       plays=Plays, broken=Broken).start()  # fmt: skip
    assert running.flush().heard(1) == "right"
    with pytest.raises(VflowError, match=r"left: .*OSError: device gone"):
        running.wait(PATIENCE_S)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError, GeneratorExit])
def test_drop_that_exits_fails_the_pipeline_in_its_sinks_name(error: type[BaseException]) -> None:
    class Exits(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            raise error("enough")

    running = pipeline(TWO_SINKS.replace("left:  {use: t.plays}", "left: {use: t.exits}"), reply=Reply,
                       plays=Plays, exits=Exits).start()  # fmt: skip
    assert running.flush().heard(1) == "right"
    with pytest.raises(VflowError, match=f"left: .*{error.__name__}: enough"):
        running.wait(PATIENCE_S)


def test_drop_that_returns_none_fails_the_pipeline_in_its_sinks_name() -> None:
    class Silent(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            return None  # type: ignore[return-value]

    running = pipeline(TWO_SINKS.replace("left:  {use: t.plays}", "left: {use: t.silent}"), reply=Reply,
                       plays=Plays, silent=Silent).start()  # fmt: skip
    assert running.flush().heard(1) == "right"
    with pytest.raises(VflowError, match="left: TypeError"):
        running.wait(PATIENCE_S)


def test_drop_that_returns_another_type_fails_the_pipeline_in_its_sinks_name() -> None:
    class Odd(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            return ("all",)  # type: ignore[return-value]

    running = pipeline(TWO_SINKS.replace("left:  {use: t.plays}", "left: {use: t.odd}"), reply=Reply,
                       plays=Plays, odd=Odd).start()  # fmt: skip
    flush = running.flush()
    assert [type(played) for played in flush.played] == [Played]
    with pytest.raises(VflowError, match=r"left: TypeError: drop\(\) returned str, not Played"):
        running.wait(PATIENCE_S)


def test_drop_that_interrupts_fails_the_pipeline_in_its_sinks_name() -> None:
    class Again(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            self.ctx.interrupt(1)
            self.flush()  # type: ignore[attr-defined]
            return ()

    running = pipeline(TWO_SINKS.replace("left:  {use: t.plays}", "left: {use: t.again}"), reply=Reply,
                       plays=Plays, again=Again)  # fmt: skip
    running.nodes["left"].flush = running.flush  # type: ignore[attr-defined]
    running.start()
    assert running.flush().heard(1) == "right"
    with pytest.raises(VflowError, match=r"left: interrupts in its drop\(\)"):
        running.wait(PATIENCE_S)


def test_drop_that_hangs_fails_the_pipeline_in_its_sinks_name_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vflow.runtime.pipeline.DROP_WITHIN_S", 0.05)
    gate = Gate()

    class Hangs(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            gate.pass_through()
            return ()

    text = TWO_SINKS.replace("count: 1", "every: 20ms, count: 100000")
    running = pipeline(text.replace("left:  {use: t.plays}", "left: {use: t.hangs}"), reply=Reply,
                       plays=Plays, hangs=Hangs).start()  # fmt: skip
    first = threading.Thread(target=running.flush, daemon=True)
    first.start()
    gate.wait_reached()
    with pytest.raises(VflowError, match=r"left: its drop\(\) has not returned"):
        running.wait(PATIENCE_S)
    assert running.stop() == ["left"]
    gate.open()
    first.join(PATIENCE_S)
    assert not first.is_alive()


def test_stop_names_the_sink_in_which_a_flush_hangs_and_keeps_its_deadline() -> None:
    gate = Gate()

    class Hangs(Plays):
        def drop(self, epoch: int) -> tuple[Played, ...]:
            gate.pass_through()
            return ()

    class Interrupts(Reply):
        generates = True

        def process(self, packet: Any) -> Any:
            self.ctx.interrupt(1)
            self.flush()  # type: ignore[attr-defined]
            return packet

    running = pipeline(TWO_SINKS.replace("left:  {use: t.plays}", "left: {use: t.hangs}"), reply=Interrupts,
                       plays=Plays, hangs=Hangs)  # fmt: skip
    running.nodes["reply"].flush = running.flush  # type: ignore[attr-defined]
    running.start()
    gate.wait_reached()
    assert running.stop(deadline_s=0.2) == ["left", "reply"]
    gate.open()


def test_a_pipeline_may_be_flushed_before_it_starts_while_it_opens_and_after_it_stopped() -> None:
    gate = Gate()

    class Opens(Speaker):
        def open(self) -> None:
            gate.pass_through()
            super().open()

    running = pipeline(REPLY.replace("t.speaker", "t.opens"), reply=Reply, opens=Opens)
    running.flush()
    starter = threading.Thread(target=running.start)
    starter.start()
    gate.wait_reached()
    running.flush()
    gate.open()
    starter.join(PATIENCE_S)
    assert running.wait(PATIENCE_S)
    assert len(node(running, "speaker", Opens).got) == 30
    assert running.flush().number == 3


def test_a_flush_from_a_node_that_is_not_there_names_the_nearest() -> None:
    running = pipeline(REPLY, reply=Reply)
    with pytest.raises(VflowError, match="no node 'replay' to flush from; did you mean 'reply'"):
        running.flush(origins=["replay"])


def test_flush_does_not_pass_a_keep_link() -> None:
    text = """
    nodes:
      words: {use: t.words, count: 1}
      reply: {use: t.reply}
      kept:  {use: t.heavy}
      sink:  {use: t.speaker}
    links:
      - {from: reply, to: kept, keep: true}
      - words -> reply
      - kept -> sink
    """
    assert pipeline(text, reply=Reply).flush().nodes == set()


def test_turn_end_of_a_cancelled_reply_is_refused_and_of_the_next_one_not() -> None:
    gate = Gate()

    class Ends(Reply):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            gate.pass_through()
            yield TurnEnd(turn=packet.turn)

    text = REPLY.replace("t.speaker", "t.collect").replace("t.words", "t.turns")
    with pipeline(text, reply=Ends, turns=Turns) as running:
        gate.wait_reached()
        running.flush(turn=1)
        gate.open()
        assert running.wait(PATIENCE_S)
    events = node(running, "speaker", Collect).events
    assert [(event.name, event.turn) for event in events] == [("turn_end", 2), ("eos", 0)]


def test_lead_is_the_audio_in_links_and_sinks() -> None:
    running = pipeline(REPLY, reply=Reply)
    reply = running.nodes["reply"].ctx
    assert reply.lead_ns() == 0
    running.nodes["speaker"].lead_ns = lambda: 5 * MS  # type: ignore[attr-defined]
    assert reply.lead_ns() == 5 * MS
    assert reply.speaking()


class HeldUp(Heavy):
    """Blocks at its first packet, and counts calls of its hooks."""

    def open(self) -> None:
        self.gate, self.told = Gate(), []

    def process(self, packet: TextPacket) -> Any:
        if packet.index == 0:
            self.gate.pass_through()
        return packet

    def on_flush(self, flush: Flush) -> None:
        self.told.append(flush.number)


def test_a_storm_of_flushes_on_a_thread_that_is_held_up_is_bounded_and_loses_nothing_fresh() -> None:
    class Late(Words):
        """A source that goes on when all flushes are over."""

        def produce(self) -> Any:
            yield word(0)
            self.ctx.wait_until()
            yield from (word(index, turn=1) for index in range(1, 4))

    text = """
    nodes: {words: {use: t.late}, reply: {use: t.pass}, slow: {use: t.slow}, speaker: {use: t.speaker}}
    links: [words -> reply -> slow -> speaker]
    """
    with pipeline(text, late=Late, slow=HeldUp) as running:
        slow: Any = running.nodes["slow"]
        slow.gate.wait_reached()
        for _ in range(1000):
            running.flush(0, ["reply"])
        slow.gate.open()
        running.nodes["words"].ctx.notify()
        assert running.wait(PATIENCE_S)
    assert node(running, "speaker", Speaker).indices == [1, 2, 3]
    assert len(slow.told) < 25
    assert slow.told[-1] == 1000


def test_generator_hears_of_a_flush_after_the_end_of_its_input() -> None:
    gate = Gate()

    class Slow(Speaker):
        def process(self, packet: TextPacket) -> None:
            gate.pass_through()
            super().process(packet)

    text = """
    nodes: {words: {use: t.words, count: 1}, reply: {use: t.reply}, speaker: {use: t.slow}}
    links: [words -> reply -> speaker]
    """
    with pipeline(text, reply=Reply, slow=Slow) as running:
        gate.wait_reached()
        running._wiring.segments["reply"].thread.join(PATIENCE_S)  # it has passed its eos on, and left
        running.flush(5)
        assert "cancelled 5" in running.nodes["reply"].log  # type: ignore[attr-defined]
        gate.open()
        assert running.wait(PATIENCE_S)


def test_node_that_fails_after_its_end_is_not_restarted() -> None:
    class Breaks(Collect):
        def on_flush(self, flush: Flush) -> None:
            raise ValueError("late")

    class Waits(Words):
        """A source that goes on when all other sources have ended."""

        def produce(self) -> Any:
            self.ctx.wait_until()
            yield from ()

    text = """
    nodes:
      words: {use: t.words}
      sink:  {use: t.breaks, on_error: {restart: 3}}
      other: {use: t.waits}
      end:   {use: t.collect}
    links: [words -> sink, other -> end]
    """
    with pipeline(text, ManualClock(), breaks=Breaks, waits=Waits) as running:
        running._wiring.segments["sink"].thread.join(PATIENCE_S)
        flusher = threading.Thread(target=lambda: running.flush(1, ["words"]), daemon=True)
        flusher.start()
        flusher.join(PATIENCE_S)
        assert not flusher.is_alive()
        running.nodes["other"].ctx.notify()
        assert running.wait(PATIENCE_S)


def test_the_sinks_downstream_of_a_reply_are_ducked_while_they_are_open_and_no_others() -> None:
    gate = Gate()

    class Loud(Speaker):
        def __init__(self, **values: Any) -> None:
            super().__init__(**values)
            self.gains: list[float] = []

        def duck(self, gain: float) -> None:
            self.gains.append(gain)

    class Waits(Words):
        def produce(self) -> Iterator[Any]:
            yield word(0)
            gate.pass_through()

    text = """
    nodes: {words: {use: t.waits}, reply: {use: t.reply}, first: {use: t.loud}, second: {use: t.loud}}
    links: [words -> reply -> first, words -> second]
    """
    running = pipeline(text, waits=Waits, reply=Reply, loud=Loud)
    words = running.nodes["words"].ctx
    words.duck(0.25)  # not yet open
    with running:
        gate.wait_reached()
        words.duck(0.5)
        gate.open()
        assert running.wait(PATIENCE_S)
    words.duck(0.75)  # closed
    assert node(running, "first", Loud).gains == [0.5]
    assert node(running, "second", Loud).gains == []


def test_nothing_plays_downstream_of_a_node_without_a_sink() -> None:
    text = """
    nodes: {words: {use: t.words}, reply: {use: t.reply}, shown: {use: t.collect}}
    links: [words -> reply -> shown]
    """
    reply = pipeline(text, reply=Reply).nodes["reply"].ctx
    assert reply.lead_ns() == 0
    assert not reply.speaking()


def test_retraction_after_the_end_of_the_input_is_applied_in_the_callers_thread() -> None:
    told: list[tuple[int, bool]] = []

    class Told(Heavy):
        def on_flush(self, flush: Flush) -> None:
            told.append((flush.number, flush.retracts))

    running = pipeline(LINE, heavy=Told)
    segment = running._wiring.segments["heavy"]
    segment.owner = replace(segment.owner, is_open=lambda name: True)
    segment._left = True
    running.speculation.begin(2)
    running._flusher.retract(frozenset(["words"]), 2, 0)
    assert told == [(1, True)]
    running._flusher.flush(frozenset(["words"]), 2)
    assert told == [(1, True), (2, False)]


def test_flush_discards_messages_in_advance_of_its_origin_and_downstream_only() -> None:
    running = pipeline(LINE)
    running.speculation.begin(2)
    for source in ("words", "heavy", "sink"):
        running.speculation.withhold(2, 0, Message("packet", source, text=source))
    running._flusher.flush(frozenset(["heavy"]), 2)
    told: list[str] = []
    running.speculation.commit(2, lambda: None, lambda message: told.append(message.text))
    assert told == ["words"]


def test_giving_up_breaks_the_lock_only_of_a_drop_that_hangs() -> None:
    flusher = pipeline(LINE)._flusher
    with flusher._lock:
        flusher.give_up()
        assert flusher._lock.mine


def test_release_wakes_the_readers_of_held_links() -> None:
    running = pipeline(LINE)
    held = HeldLink("held", QueueOptions(), ManualClock(), lambda: None, running.speculation)
    looked: list[bool] = []
    held.look_again = lambda: looked.append(True)  # type: ignore[method-assign]
    running._flusher._links.append((running._wiring.links[0][0], held))
    running._flusher.release()
    assert looked == [True]
