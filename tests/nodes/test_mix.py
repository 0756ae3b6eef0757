"""mix: the sum of several streams in one timeline, held against a sum that numpy makes of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.stand_ins import PATIENCE_S
from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Gap,
    GraphError,
    Harness,
    ManualClock,
    Pipeline,
    PropertyError,
    Samples,
    Span,
    TurnEnd,
    Unavailable,
)
from vflow.event import FOREVER_NS
from vflow.graph.loader import load_text
from vflow_nodes.mix import Mix

RATE = 16_000
BLOCK = 320
"""20 ms."""


def harness(**props: Any) -> Harness:
    made = Harness(Mix(**props), caps={"audio": Audio(RATE, 1), "out": Audio(RATE, 1)})
    made.linked_sources = ("a", "b")
    return made


def packet(
    link: str, at_ms: float, samples: Samples, turn: int = 0, spans: tuple[Span, ...] = ()
) -> AudioPacket:
    pts_ns = int(at_ms * MS)
    return AudioPacket(data=samples, rate=RATE, pts_ns=pts_ns, turn=turn, spans=spans, meta={"link": link})


def noise(seed: int, frames: int = BLOCK) -> Samples:
    return np.random.default_rng(seed).uniform(-0.4, 0.4, frames).astype(np.float32)


def laid_out(items: list[Any]) -> Samples:
    """Put packets on one timeline, and check that no two overlap."""
    packets = [item for item in items if isinstance(item, AudioPacket)]
    starts = [round(p.pts_ns * RATE / SECOND) for p in packets]
    made = np.zeros(max(s + p.frames for s, p in zip(starts, packets, strict=True)), np.float32)
    free = 0
    for start, each in zip(starts, packets, strict=True):
        assert start >= free
        free = start + each.frames
        made[start:free] = each.mono()
    return made


@pytest.mark.parametrize("seed", range(10))
def test_sum_does_not_depend_on_order_or_size_of_packets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    streams = {"a": (0, noise(1, 8000)), "b": (int(rng.integers(0, 4000)), noise(2, 6000))}
    todo: dict[str, list[AudioPacket]] = {}
    for name, (start, samples) in streams.items():
        at, todo[name] = 0, []
        while at < len(samples):
            size = int(rng.integers(1, 700))
            at_ms = (start + at) * 1000 / RATE
            todo[name].append(packet(name, at_ms, samples[at : at + size].copy()))
            at += size
    with harness() as mixer:
        while any(todo.values()):
            name = str(rng.choice([name for name in todo if todo[name]]))
            mixer.push(todo[name].pop(0))
            if not todo[name]:
                mixer.event(Gap(duration_ns=FOREVER_NS, meta={"link": name}))
        mixer.eos()
        made = laid_out(mixer.pull())
    expected = np.zeros(max(start + len(s) for start, s in streams.values()))
    for start, samples in streams.values():
        expected[start : start + len(samples)] += samples
    assert made == pytest.approx(expected[: len(made)], abs=1e-6)
    assert len(made) == len(expected)


def test_no_audio_leaves_before_every_stream_has_come_that_far() -> None:
    with harness() as mixer:
        assert not mixer.push(packet("a", 0, noise(1)))
        (made,) = mixer.push(packet("b", 0, noise(2)))
        assert isinstance(made, AudioPacket)
        assert made.mono() == pytest.approx(noise(1) + noise(2))


def test_a_late_stream_is_waited_for_no_longer_than_wait() -> None:
    with harness(wait="50ms") as mixer:
        mixer.push(packet("a", 0, noise(1)))
        assert not mixer.advance(69 * MS)  # its packet ends at 20 ms
        (made,) = mixer.advance(1 * MS)
        assert isinstance(made, AudioPacket)
        assert made.mono() == pytest.approx(noise(1))


def test_audio_that_comes_too_late_follows_whole() -> None:
    with harness(wait="50ms") as mixer:
        mixer.push(packet("a", 0, noise(1)))
        mixer.advance(100 * MS)
        mixer.pull()
        mixer.push(packet("b", 0, noise(2)))
        mixer.eos()
        assert laid_out(mixer.pull())[BLOCK:] == pytest.approx(noise(2))


def test_packets_of_one_stream_that_overlap_are_laid_end_to_end() -> None:
    """A voice makes audio faster than it sounds."""
    with harness() as mixer:
        mixer.push(packet("a", 0, noise(1)))
        mixer.push(packet("a", 5, noise(2)))
        mixer.eos()
        assert laid_out(mixer.pull()) == pytest.approx(np.concatenate([noise(1), noise(2)]))


def test_a_gap_counts_as_silence_of_its_stream() -> None:
    with harness() as mixer:
        mixer.push(packet("a", 0, noise(1)))
        items = mixer.event(Gap(pts_ns=0, duration_ns=20 * MS, meta={"link": "b"}))
        assert laid_out(items) == pytest.approx(noise(1))


def test_a_gap_before_any_packet_counts_as_silence_too() -> None:
    with harness() as mixer:
        mixer.event(Gap(pts_ns=0, duration_ns=20 * MS, meta={"link": "b"}))
        mixer.push(packet("a", 0, noise(1)))
        assert laid_out(mixer.pull()) == pytest.approx(noise(1))


def test_a_gain_is_in_db_and_a_hot_change_fades() -> None:
    ones = np.full(BLOCK, 0.5, np.float32)
    with harness(gains={"a": -6.0}) as mixer:
        mixer.event(Gap(duration_ns=FOREVER_NS, meta={"link": "b"}))
        mixer.push(packet("a", 0, ones))
        assert laid_out(mixer.pull()) == pytest.approx(ones * 10 ** (-6 / 20))
        mixer.node.gains = {"a": -20.0}  # type: ignore[attr-defined]
        mixer.push(packet("a", 20, ones))
        (made,) = mixer.pull()
        assert isinstance(made, AudioPacket)
        assert np.abs(np.diff(made.mono())).max() < 0.01
        assert made.mono()[BLOCK // 2 :] == pytest.approx(ones[BLOCK // 2 :] * 0.1, abs=1e-6)


def test_words_and_turns_stay_where_they_are_in_the_audio() -> None:
    spans = (Span(3, 0, "one", 0, 100), Span(3, 1, "two", 200, 320))
    with harness() as mixer:
        mixer.push(packet("a", 0, noise(1), turn=3, spans=spans))
        mixer.event(TurnEnd(turn=3, meta={"link": "a", "tokens": 2}))
        mixer.push(packet("b", 0, noise(2)[:160]))
        mixer.push(packet("b", 10, noise(2)))
        items = mixer.pull()
    found = []
    for item in items:
        if isinstance(item, AudioPacket):
            start = round(item.pts_ns * RATE / SECOND)
            found += [(start + s.start, start + s.stop, s.word) for s in item.spans]
    assert found == [(0, 100, "one"), (200, 320, "two")]
    (end,) = [at for at, item in enumerate(items) if isinstance(item, TurnEnd)]
    assert [item.turn for item in items[:end]] == [3] * end
    assert sum(item.frames for item in items[:end] if isinstance(item, AudioPacket)) == BLOCK
    assert items[end].meta == {"tokens": 2}


def test_a_flush_forgets_the_reply_and_keeps_the_rest() -> None:
    with harness() as mixer:
        mixer.push(packet("b", 0, noise(2)[:160]))
        mixer.push(packet("a", 0, noise(1), turn=1))
        mixer.event(TurnEnd(turn=1, meta={"link": "a"}))
        assert [item.turn for item in mixer.pull()] == [1]
        mixer.flush(turn=1)
        mixer.push(packet("b", 10, noise(3)))
        mixer.eos()
        items = mixer.pull()
        assert not any(isinstance(item, TurnEnd) or item.turn for item in items)
        assert laid_out(items)[160:] == pytest.approx(noise(3))


def test_a_sum_over_full_scale_is_warned_of_once() -> None:
    loud = np.full(BLOCK, 0.8, np.float32)
    with harness() as mixer:
        for n in range(3):
            mixer.push(packet("a", 20 * n, loud))
            mixer.push(packet("b", 20 * n, loud))
        assert ["gains" in message.text for message in mixer.messages] == [True]


def test_a_gain_for_a_node_that_is_not_linked_is_refused() -> None:
    with pytest.raises(Unavailable, match=r"'c'.*linked are: a, b"):
        harness(gains={"c": 1.0}).__enter__()


GRAPH = """
nodes:
  low: {{use: test_tone, frequency: 200, level: -20, duration: 1s, pace: {pace}, rate: 24000}}
  high: {{use: test_tone, frequency: 900, level: -26, duration: 0.5s, pace: {pace}, rate: 16000}}
  mix: {{use: mix, gains: {{low: -6}}}}
  sink: {{use: wav_sink, sync: false, file: "{file}"}}
links: [low -> mix -> sink, high -> mix]
"""


@pytest.mark.parametrize("pace", ["free", "clock"])
def test_two_sources_of_different_rates_are_heard_at_once(pace: str, tmp_path: Path) -> None:
    graph = load_text(GRAPH.format(pace=pace, file=tmp_path / "sum.wav"))
    with Pipeline(graph, clock=ManualClock()) as pipeline:
        assert pipeline.wait(PATIENCE_S)
        with pytest.raises(PropertyError):
            pipeline.set("mix", "gains", {"low": "loud"})
        with pytest.raises(PropertyError, match=r"at least -120.0 and at most 40.0"):
            pipeline.set("mix", "gains", {"low": 40.5})
        pipeline.set("mix", "gains", {"low": -3})
    made, rate = soundfile.read(tmp_path / "sum.wav")
    assert rate == 24_000
    assert len(made) == pytest.approx(rate, abs=rate // 50)
    t = np.arange(6000) / rate

    def amplitude(samples: Any, hz: float) -> float:
        return float(2 * abs(np.mean(samples * np.exp(-2j * np.pi * hz * t))))

    first, second = made[3600:9600], made[15600:21600]
    assert amplitude(first, 200) == pytest.approx(0.1 * 10 ** (-6 / 20), rel=0.02)
    assert amplitude(second, 200) == pytest.approx(0.1 * 10 ** (-6 / 20), rel=0.02)
    assert amplitude(first, 900) == pytest.approx(10 ** (-26 / 20), rel=0.02)
    assert amplitude(second, 900) < 1e-4


def test_without_a_mixer_the_same_graph_is_refused(tmp_path: Path) -> None:
    text = GRAPH.format(pace="free", file=tmp_path / "sum.wav")
    text = text.replace("low -> mix -> sink, high -> mix", "low -> sink, high -> sink")
    text = "\n".join(line for line in text.splitlines() if "use: mix" not in line)
    with pytest.raises(GraphError, match="'low -> mix -> sink' and 'high -> mix'"):
        load_text(text)
