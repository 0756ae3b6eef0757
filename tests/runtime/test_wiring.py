"""Graphs other than chains: cycles, branches that meet, live sources."""

from __future__ import annotations

import time
from typing import Any

from tests.runtime.test_pipeline import sink, texts
from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Pass, Words, pipeline, run
from vflow import Audio, Event, Gap, In, ManualClock, Node, Out, TextPacket
from vflow.event import FOREVER_NS


def test_a_cycle_with_a_leaky_link_ends_with_its_source() -> None:
    class Mixes(Heavy):
        def process(self, packet: TextPacket) -> Any:
            return packet if packet.turn == 0 else None

    class Back(Pass):
        def process(self, packet: TextPacket) -> Any:
            return packet.replace(turn=1)

    text = """
    nodes:
      words: {use: t.words}
      mix:   {use: t.mixes}
      back:  {use: t.back}
      sink:  {use: t.collect}
    links:
      - words -> mix -> sink
      - mix -> back
      - {from: back, to: mix, queue: {packets: 4, policy: leaky-oldest}}
    """
    running = run(text, mixes=Mixes, back=Back)
    assert sink(running).indices == list(range(10))
    pushed = {link.name: link.pushed for link in running.stats()}
    assert pushed["back.out -> mix.text"] == 11  # what is fused in front of it is connected, too


def test_branches_joined_by_pts_do_not_deadlock_if_one_is_slow() -> None:
    """The joint link fills while the other branch works on; then it has room, but is not half empty."""

    class Latent(Heavy):
        def open(self) -> None:
            self.held: list[TextPacket] = []

        def process(self, packet: TextPacket) -> Any:
            self.held.append(packet)
            return self.held.pop(0) if len(self.held) > 6 else None

        def on_event(self, event: Any) -> Any:
            held, self.held = self.held, []
            return held

    text = """
    nodes:
      words:  {use: t.words, count: 400, every: 1ms}
      split:  {use: t.pass}
      latent: {use: t.latent}
      join:   {use: t.collect, order: pts}
    links:
      - {from: words, to: split, queue: {packets: 400, policy: block}}
      - {from: split, to: join, queue: {packets: 8, policy: block}}
      - split -> latent -> join
    """
    for seed in range(5):
        running = run(text, ManualClock(seed), latent=Latent)
        join = running.nodes["join"]
        assert isinstance(join, Collect)
        assert sorted(join.indices) == sorted([*range(400), *range(400)])


def test_fan_in_by_pts_gives_the_order_of_time() -> None:
    text = """
    nodes:
      slow: {use: t.words, count: 5, every: 50ms}
      fast: {use: t.words, count: 20, every: 10ms}
      sink: {use: t.collect, order: pts}
    links: [slow -> sink, fast -> sink]
    """
    running = run(text, ManualClock(seed=3))
    times = [packet.pts_ns for packet in sink(running).got]
    assert times == sorted(times)
    assert len(times) == 25
    assert sink(running).names == ["eos"]


def test_overflow_of_a_live_source_is_dropped_counted_and_warned_of_once() -> None:
    gate = Gate()

    class Live(Words):
        live = True

    class Slow(Collect):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()
            super().process(packet)

    text = """
    nodes:
      words: {use: t.live, count: 50}
      sink:  {use: t.slow}
    links:
      - {from: words, to: sink, queue: {packets: 8, policy: leaky-oldest}}
    """
    with pipeline(text, live=Live, slow=Slow) as running:
        gate.wait_reached()
        running._wiring.segments["words"].thread.join(PATIENCE_S)
        gate.open()
        assert running.wait(PATIENCE_S)
    (stats,) = running.stats()
    assert len(sink(running).got) + stats.dropped == 50
    assert sink(running).indices[-8:] == list(range(42, 50))
    (warning,) = texts(running, "warning")
    assert "too slow: sink (busy " in warning
    assert "so audio of words is dropped; use a smaller model" in warning


def test_input_for_several_streams_knows_which_stream_sent_or_ended() -> None:
    class Several(Node):
        audio = In(Audio(rate=16_000, channels=1), several=True)
        out = Out(Audio())

        def open(self) -> None:
            self.sources = self.ctx.sources("audio")
            self.packets: dict[str, int] = {}
            self.ended: list[str] = []

        def process(self, packet: Any) -> None:
            link = packet.meta["link"]
            assert link not in self.ended
            self.packets[link] = self.packets.get(link, 0) + packet.frames

        def on_event(self, event: Event) -> None:
            if isinstance(event, Gap) and event.duration_ns == FOREVER_NS:
                self.ended.append(event.meta["link"])

    class Ear(Node):
        audio = In(Audio())

        def process(self, packet: Any) -> None: ...

        def on_event(self, event: Event) -> None:
            assert not isinstance(event, Gap)

    text = """
    nodes:
      low:  {use: test_tone, rate: 16000, duration: 1s, pace: free}
      high: {use: test_tone, rate: 48000, duration: 2s, pace: free}
      both: {use: t.several}
      ear:  {use: t.ear}
    links: [low -> both -> ear, high -> both]
    """
    node = run(text, several=Several, ear=Ear).nodes["both"]
    assert isinstance(node, Several)
    assert node.sources == ("low", "high")  # the converter in front of one is no name of the file
    assert node.packets == {"low": 16_000, "high": 32_000}
    assert sorted(node.ended) == ["high", "low"]


def test_the_level_of_a_link_is_how_full_it_is() -> None:
    gate = Gate()

    class Slow(Collect):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()

    text = """
nodes: {words: {use: t.words, count: 2}, slow: {use: t.slow}}
links: [{from: words, to: slow, queue: {packets: 4}}]
"""
    with pipeline(text, slow=Slow) as running:
        gate.wait_reached()
        running._wiring.segments["words"].thread.join(PATIENCE_S)
        assert running.levels() == {"words.out -> slow.text": 0.5}  # one of two, and the end of the stream
        deadline_s = time.monotonic() + PATIENCE_S
        while not (link := running.stats()[0]).age_ms:
            assert time.monotonic() < deadline_s
        assert link.fill == 0.5
        gate.open()
        assert running.wait(PATIENCE_S)
    assert running.levels() == {"words.out -> slow.text": 0.0}
    (link,) = running.stats()
    assert (link.fill, link.age_ms) == (0.0, 0.0)
