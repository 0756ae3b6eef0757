"""Where an echo canceller is inserted, and which warnings a graph gets if it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S
from vflow import (
    Audio,
    AudioPacket,
    Bin,
    Duration,
    Graph,
    GraphError,
    In,
    ManualClock,
    Node,
    Out,
    Played,
    QueueOptions,
    Sink,
    Text,
    TextPacket,
    prop,
)
from vflow.cli import drawing
from vflow.cli.graph_summary import describe
from vflow.graph.echo_cancellation import FEEDBACK
from vflow.graph.latency_budget import path_latencies
from vflow.graph.loader import load_text
from vflow.runtime.pipeline import Pipeline


class Mic(Node):
    """A microphone that hears `count` blocks of 20 ms."""

    live = True
    rank = 1000
    count: int = prop(3)
    audio = Out(Audio(channels=1))

    def produce(self) -> Iterator[AudioPacket]:
        for n in range(self.count):
            self.ctx.wait_until((n + 1) * 20_000_000)
            yield AudioPacket(data=np.ones(320, np.float32), rate=16000, pts_ns=n * 20_000_000)


class Aec(Node):
    """Passes on the microphone's audio, and counts packets of both inputs."""

    audio = In(Audio(rate=16000, channels=1))
    reference = In(Audio(channels=1), queue=FEEDBACK, optional=True)
    out = Out(Audio(rate=16000, channels=1))

    def open(self) -> None:
        self.heard: list[float] = []

    def process_audio(self, packet: AudioPacket) -> AudioPacket:
        return packet

    def process_reference(self, packet: AudioPacket) -> None:
        self.heard.append(float(packet.data[0, 0]))


class MissingAec(Aec):
    @classmethod
    def unavailable(cls) -> str:
        return "the canceller is not installed; pip install canceller"


class Agent(Node):
    """Answers each block with its words."""

    generates = True
    audio = In(Audio(rate=16000, channels=1), queue=QueueOptions(packets=7))
    words = Out(Text("word"), bus=True)

    def process(self, packet: AudioPacket) -> TextPacket:
        return TextPacket(text="yes", pts_ns=packet.pts_ns)


class Voice(Node):
    text = In(Text("word"))
    audio = Out(Audio(rate=24000, channels=1))

    def process(self, packet: TextPacket) -> AudioPacket:
        return AudioPacket(data=np.full(480, 0.5, np.float32), rate=24000, pts_ns=packet.pts_ns)


class Deaf(Sink):
    """A speaker without an output `played`."""

    audio = In(Audio(channels=1))

    def process(self, packet: AudioPacket) -> Any:
        return None

    def drop(self, epoch: int) -> tuple[Played, ...]:
        return ()

    def lead_ns(self) -> int:
        return 0


class Speaker(Deaf):
    latency: Duration = prop("40ms", latency="path")
    played = Out(Audio(channels=1))

    def process(self, packet: AudioPacket) -> AudioPacket:
        return packet


class Headset(Bin):
    """A microphone that is a bin."""

    graph = """
vflow: 1
nodes:
  capsule: {use: mic.plain}
  clean:   {use: identity}
links:
  - capsule -> clean
ports: {audio: clean.out}
"""


CLASSES = {
    "mic.plain": Mic,
    "mic.headset": Headset,
    "speaker.plain": Speaker,
    "speaker.deaf": Deaf,
    "recorder": Speaker,
    "aec": Aec,
    "agent": Agent,
    "voice": Voice,
}
LINKS = "links:\n  - mic -> agent -> voice -> speaker\n"


def nodes(mic: str = "", speaker: str = "speaker.plain", **others: str) -> str:
    given = {
        "mic": f"mic.plain{', ' + mic if mic else ''}",
        "agent": "agent",
        "voice": "voice",
        "speaker": speaker,
        **others,
    }
    return "nodes:\n" + "".join(f"  {name}: {{use: {use}}}\n" for name, use in given.items())


def build(text: str, classes: dict[str, Any] | None = None, **options: Any) -> Graph:
    return load_text("vflow: 1\n" + text, file="test.yaml", nodes={**CLASSES, **(classes or {})}, **options)


def ends(graph: Graph) -> list[str]:
    return [link.name for link in graph.links]


def test_canceller_is_linked_after_the_microphone_and_to_the_played_audio() -> None:
    graph = build(nodes() + LINKS)
    assert list(graph.nodes) == ["mic", "mic.aec", "agent", "voice", "speaker"]
    assert ends(graph) == [
        "mic.audio -> mic.aec.audio",
        "mic.aec.out -> agent.audio",
        "agent.words -> voice.text",
        "voice.audio -> speaker.audio",
        "speaker.played -> mic.aec.reference",
    ]
    assert graph.warnings == ()


def test_a_flush_of_the_reply_ends_at_the_canceller() -> None:
    graph = build(nodes() + LINKS)
    assert graph.reach(["agent"]).nodes == {"voice", "speaker"}
    assert graph.links[-1].queue == FEEDBACK
    assert graph.blocking_cycle() == []


def test_consumers_own_bounds_hold_after_the_canceller() -> None:
    graph = build(nodes() + LINKS)
    assert graph.queue(graph.links[0]).policy == "leaky-oldest"
    assert graph.queue(graph.links[1]) == QueueOptions(packets=7)
    explicit = "links:\n  - {from: mic, to: agent, queue: {packets: 9}}\n  - agent -> voice -> speaker\n"
    assert build(nodes() + explicit).links[1].queue == QueueOptions(packets=9, policy="leaky-oldest")


def test_canceller_feeds_everything_that_the_microphone_fed() -> None:
    text = nodes(meter="null") + LINKS + "  - mic -> meter\n"
    graph = build(text)
    assert [link.name for link in graph.out_of("mic")] == ["mic.audio -> mic.aec.audio"]
    assert [link.target for link in graph.out_of("mic.aec")] == ["agent", "meter"]


def test_microphone_of_another_rate_is_converted_before_the_canceller() -> None:
    class Wide(Mic):
        audio = Out(Audio(rate=48000, channels=1))

    graph = build(nodes() + LINKS, {"mic.plain": Wide})
    assert ends(graph)[:2] == [
        "mic.audio -> mic.aec.resample.audio",
        "mic.aec.resample.out -> mic.aec.audio",
    ]


def test_echo_cancellation_off_inserts_nothing() -> None:
    graph = build(nodes("echo_cancellation: off") + LINKS)
    assert "mic.aec" not in graph.nodes
    assert graph.warnings == ()


@pytest.mark.parametrize("use", ["mic", "mic.plain"])
def test_property_belongs_to_the_role_and_the_node_need_not_have_it(use: str) -> None:
    text = (nodes() + LINKS).replace("mic.plain", f"{use}, echo_cancellation: on")
    graph = build(text, overrides={"mic.count": "5"})
    assert graph.nodes["mic"].values == {"count": 5}
    assert "mic.aec" in graph.nodes
    assert "mic.aec" not in build(text, overrides={"mic.echo_cancellation": "off"}).nodes


def test_a_wrong_value_is_an_error_at_its_place() -> None:
    with pytest.raises(GraphError) as raised:
        build(nodes("echo_cancellation: onn") + LINKS)
    (found,) = raised.value.diagnostics
    assert found.message == "mic: echo_cancellation is one of auto, on, off; not 'onn'"
    assert found.mend == "did you mean 'on'?"
    assert (found.place and found.place.line) == 3


@pytest.mark.parametrize("absent", ["not installed", "no such node"])
def test_missing_canceller_is_a_warning_with_auto_and_an_error_with_on(
    absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes: dict[str, Any] = {**CLASSES, "aec": MissingAec}
    if absent == "no such node":
        del classes["aec"]
        monkeypatch.setattr("vflow.graph.registry._entry_points", dict)

    def load(mode: str, **options: Any) -> Graph:
        text = "vflow: 1\n" + nodes(f"echo_cancellation: {mode}") + LINKS
        return load_text(text, file="test.yaml", nodes=classes, **options)

    graph = load("auto")
    assert "mic.aec" not in graph.nodes
    (warning,) = graph.warnings
    assert "test.yaml:3:" in warning
    assert "mic: no echo canceller: " in warning
    assert "use headphones, or set 'barge_in: false'" in warning
    assert ("pip install canceller" in warning) == (absent == "not installed")
    with pytest.raises(GraphError) as raised:
        load("on")
    assert [found.severity for found in raised.value.diagnostics] == ["error"]
    assert "no echo canceller" in load("on", require_available=False).warnings[0]


def test_a_file_in_place_of_the_microphone_hears_no_echo() -> None:
    graph = build(
        nodes("echo_cancellation: on") + LINKS, stand_ins={"mic": ("test_tone", {"duration": "1s"})}
    )
    assert "mic.aec" not in graph.nodes
    assert graph.warnings == ()


def test_a_file_in_place_of_the_speaker_makes_no_echo() -> None:
    graph = build(nodes() + LINKS, stand_ins={"speaker": ("recorder", {})})
    assert "mic.aec" not in graph.nodes
    assert graph.warnings == ()


def test_speaker_without_played_output_is_warned_of() -> None:
    graph = build(nodes(speaker="speaker.deaf") + LINKS)
    assert "mic.aec" not in graph.nodes
    (warning,) = graph.warnings
    assert "speaker does not say what it plays (no output 'played')" in warning


def test_a_graph_that_plays_nothing_needs_no_canceller() -> None:
    text = "nodes:\n  mic: {use: mic.plain}\n  end: {use: null}\nlinks:\n  - mic -> end\n"
    graph = build(text)
    assert list(graph.nodes) == ["mic", "end"]
    assert graph.warnings == ()
    with pytest.raises(GraphError, match="nothing in the graph plays"):
        build(text.replace("mic.plain", "mic.plain, echo_cancellation: on"))


def test_a_speaker_that_plays_the_microphone_s_own_voice_is_no_echo_to_cancel() -> None:
    text = "nodes:\n  mic: {use: mic.plain}\n  both: {use: tee}\n  speaker: {use: speaker.plain}\n"
    assert "mic.aec" not in build(text + "links:\n  - mic -> both -> speaker\n").nodes


def test_canceller_hears_the_speaker_and_not_a_recording_beside_it() -> None:
    text = nodes(recording="recorder") + LINKS + "  - voice -> recording\n"
    graph = build(text)
    assert [link.source for link in graph.into("mic.aec")] == ["mic", "speaker"]
    assert graph.warnings == ()


def test_second_of_two_speakers_is_warned_of() -> None:
    text = nodes(other="speaker.plain") + LINKS + "  - voice -> other\n"
    graph = build(text)
    assert [link.source for link in graph.into("mic.aec")] == ["mic", "speaker"]
    (warning,) = graph.warnings
    assert "the echo of other stays" in warning


def test_canceller_in_the_file_is_not_doubled() -> None:
    links = "links:\n  - mic -> aec.audio\n  - aec -> agent -> voice -> speaker\n"
    graph = build(nodes(aec="aec") + links + "  - speaker.played -> aec.reference\n")
    assert list(graph.nodes) == ["mic", "agent", "voice", "speaker", "aec"]
    assert graph.links[-1].queue == FEEDBACK


def test_each_of_two_microphones_has_its_own_canceller() -> None:
    graph = build(nodes(left="mic.plain", agent="agent, order: pts") + LINKS + "  - left -> agent\n")
    for name in ("mic.aec", "left.aec"):
        assert sorted(link.source for link in graph.into(name)) == sorted([name[:-4], "speaker"])
    assert sorted(link.source for link in graph.into("agent")) == ["left.aec", "mic.aec"]


def test_microphone_that_is_a_bin_gets_one_canceller() -> None:
    text = (nodes() + LINKS).replace("mic.plain", "mic.headset, echo_cancellation: on")
    graph = build(text)
    inserted = [name for name, node in graph.nodes.items() if node.converter]
    assert inserted == ["mic.clean.aec"]
    assert [link.source for link in graph.into("agent")] == inserted


def test_a_bin_passes_the_property_on_to_its_microphone(tmp_path: Any) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(
        "vflow: 1\nnodes:\n  capsule: {use: mic.plain}\nports: {audio: capsule.audio}\nproxy: [capsule]\n"
    )
    text = (nodes() + LINKS).replace("mic.plain", f"{file}, echo_cancellation: off")
    assert "desk.capsule.aec" not in build(text).nodes
    assert "mic.capsule.aec" in build(text.replace("off", "on")).nodes
    with pytest.raises(GraphError, match="one of auto, on, off"):
        build(text.replace("off", "never"))


def test_description_names_the_canceller_and_ends_a_path_at_the_speaker() -> None:
    ringing = nodes(speaker="speaker.plain, order: pts", bell="test_tone, rate: 24000")
    graph = build(ringing + LINKS + "  - bell -> speaker\n")
    said = "\n".join(describe(graph))
    assert "echo cancellers inserted:\n  mic.aec: mic.audio without what speaker.played has" in said
    assert "converters inserted" not in said
    paths = {path.nodes: path.total_ns for path in path_latencies(graph)}
    assert paths == {
        ("mic", "mic.aec", "agent", "voice", "speaker"): 40_000_000,
        ("bell", "speaker"): 72_000_000,
    }
    assert "mic.aec" not in graph.resolved()


def test_canceller_gets_its_reference_and_passes_the_end_of_the_stream_on() -> None:
    graph = build(nodes("count: 5") + LINKS)
    pipeline = Pipeline(graph, clock=ManualClock())
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
    canceller = pipeline.nodes["mic.aec"]
    assert isinstance(canceller, Aec)
    assert set(canceller.heard) == {0.5}  # what is played behind the end of the input, nobody awaits


@pytest.mark.parametrize("seed", range(5))
def test_a_flush_of_the_reply_costs_the_input_nothing(seed: int) -> None:
    class Counter(Agent):
        def process(self, packet: AudioPacket) -> TextPacket:
            taken.append(packet.pts_ns)
            self.ctx.wait_until(self.ctx.now_ns() + 25_000_000)  # slower than what it hears: links fill
            return super().process(packet)

    taken: list[int] = []
    graph = build(nodes("count: 40") + LINKS, {"agent": Counter})
    pipeline = Pipeline(graph, clock=ManualClock(seed))
    flushed = []

    def interrupt(message: Any) -> None:
        if message.kind == "packet" and len(flushed) < 10:
            flushed.append(pipeline.flush())

    pipeline.bus.listen(interrupt)
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
    assert len(flushed) == 10
    assert taken == [n * 20_000_000 for n in range(40)]


def test_canceller_is_drawn_in_line_and_its_reference_leads_back() -> None:
    lines = drawing.text(build(nodes() + LINKS)).splitlines()
    assert [line.split()[:3] for line in lines if "mic.aec" in line] == [
        ["mic.aec", "aec", "(inserted)"],
        ["╚══", "mic.aec", "(above)"],
    ]
    assert "played > reference" in next(line for line in lines if "(above)" in line)
