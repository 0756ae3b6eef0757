"""Half an hour of conversation at its real pace: does memory grow, do threads or descriptors pile up?

    python benchmarks/soak.py [--minutes 30] [--real | --serve N] [--picture soak.png] [--json]

A user asks every few seconds and interrupts every third reply. STT, language model and TTS are scripted and
take as long as real ones, so `turn`, the history, `word_buffer`, `wav_sink` and the runtime are
measured. With `--real` it runs `pipelines/voice_agent.yaml` with its models, and questions spoken by
`tts.hibari`. RSS is sampled every five seconds. Its slope is that of a straight line after the first fifth,
in percent of the mean, over the whole time. With `--serve N` it is the process of `vflow serve` that is
sampled, while N clients talk with its scripted agent (`crowd/`): half of them leave each minute, and others
come.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from crowd import script
from crowd.systems import question, scripted_server
from crowd.talkers import BY_COMMAND, BY_VOICE, WHOLE, Crowd, Noted, Talker

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Graph,
    In,
    Node,
    Out,
    Pipeline,
    QueueOptions,
    Span,
    SpeechEnd,
    Text,
    TextPacket,
    load,
    prop,
)
from vflow.graph.loader import load_text
from vflow.report.turn_log import TurnLog
from vflow_nodes.lib.generator import Emission, Generator

STAY_S = 60.0
"""How often half of a server's clients leave."""
TARGETS = {"rss_slope_percent": 1.0, "threads": 0.0, "descriptors": 0.0}
SAMPLE_S = 5.0
WINDOW = 512
RATE = 16_000
REPLY = "Here is what I know, and it is not much. Ask me again later, when I have read more about it."
SCRIPTED = """
nodes:
  user:    {{use: b.user, seconds: {seconds}}}
  turn:    {{use: turn}}
  stt:     {{use: b.stt}}
  chat:    {{use: b.chat}}
  words:   {{use: word_buffer}}
  tts:     {{use: b.tts}}
  speaker: {{use: wav_sink, file: "{file}"}}
links: [user -> turn -> stt -> chat -> words -> tts -> speaker]
"""
AGENT = Path(__file__).parents[1] / "pipelines" / "voice_agent.yaml"
QUESTIONS = ("What is the capital of France?", "How do I boil an egg?", "Why is the sky blue?")


class User(Node):
    """A second and a half of voice, then silence: two times until the reply is over, then only until it has
    begun."""

    live = True
    seconds: int = prop(60)
    audio = Out(Audio(rate=RATE, channels=1, features={"speech"}))

    def produce(self) -> Iterator[AudioPacket]:
        noise = np.random.default_rng(0).normal(0, 0.1, WINDOW).astype(np.float32)
        blocks = (np.zeros(WINDOW, np.float32), noise)
        pattern = [(False, 1.0), *[(True, 1.5), (False, 9.0)] * 2, (True, 1.5), (False, 3.0)]
        spans = itertools.cycle(pattern)
        window = 0
        while True:
            voiced, lasts_s = next(spans)
            for _ in range(int(lasts_s * RATE) // WINDOW):
                pts_ns = window * WINDOW * SECOND // RATE
                if pts_ns >= self.seconds * SECOND:
                    return
                self.ctx.wait_until(pts_ns)
                meta = {"speech": float(voiced)}
                yield AudioPacket(data=blocks[voiced].copy(), rate=RATE, pts_ns=pts_ns, meta=meta)
                window += 1


class Stt(Node):
    """A transcriber that takes 80 ms."""

    heavy = True
    audio = In(
        Audio(rate=RATE, channels=1, features={"turns"}), queue=QueueOptions(packets=400, time_ns=10 * SECOND)
    )
    transcript = Out(Text("final"), bus=True)

    def process(self, packet: AudioPacket) -> None:
        """Take all audio."""

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, SpeechEnd):
            self.ctx.wait_until(self.ctx.now_ns() + 80 * MS)
            yield TextPacket(text="What do you know about it?", pts_ns=event.pts_ns, turn=event.turn)


class Model(Generator):
    """Keeps the history as `chat` does; a token takes 30 ms."""

    text = In(Text("final"))

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        turn, said = packet.turn, list[str]()
        self.enter(packet, turn)
        try:
            for word in REPLY.split():
                self.ctx.wait_until(self.ctx.now_ns() + 30 * MS)
                if self.ctx.cancelled(turn):
                    return
                said.append(word)
                meta = {"tokens": len(said)}
                yield self.words, TextPacket(text=word, index=len(said) - 1, turn=turn, meta=meta)
                yield None
        finally:
            self.answered(turn, " ".join(said), [])
        yield self.words, self.ended(turn, len(said), "eos")


class Tts(Node):
    """A voice that takes 120 ms a chunk, and speaks a word in 300 ms."""

    heavy = True
    text = In(Text("chunk"), queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=RATE, channels=1))

    def process(self, chunk: TextPacket) -> Iterator[Any]:
        self.ctx.wait_until(self.ctx.now_ns() + 120 * MS)
        for number, word in enumerate(chunk.text.split()):
            frames = 300 * RATE // 1000
            tone = 0.1 * np.sin(np.arange(frames) * 0.1, dtype=np.float32)
            span = Span(chunk.turn, chunk.index + number, word, 0, frames)
            spoken = AudioPacket(data=tone, rate=RATE, turn=chunk.turn, spans=(span,))
            yield from spoken.blocks(RATE // 10)
            yield None


NODES: dict[str, type[Node]] = {"b.user": User, "b.stt": Stt, "b.chat": Model, "b.tts": Tts}


def scripted(seconds: int, folder: Path) -> Graph:
    text = SCRIPTED.format(seconds=seconds, file=folder / "reply.wav")
    return load_text(text, file="soak.yaml", nodes=NODES)


def real(seconds: int, folder: Path) -> Graph:
    """Load the voice agent, with questions from a file as long as the run."""
    import soxr
    from hibari import Hibari

    voice = Hibari()
    spoken = [soxr.resample(voice(text, seed=1), 24_000, RATE).astype(np.float32) for text in QUESTIONS]
    with soundfile.SoundFile(folder / "in.wav", "w", samplerate=RATE, channels=1, format="WAV") as file:
        for question in itertools.cycle(spoken):
            if file.frames >= seconds * RATE:
                break
            file.write(np.zeros(9 * RATE, np.float32))
            file.write(question)
    mic = ("wav_source", {"file": str(folder / "in.wav"), "pace": "clock"})
    speaker = ("wav_sink", {"file": str(folder / "reply.wav")})
    limit = {"generator.max_tokens": "24"}
    return load(AGENT, overrides=limit, stand_ins={"mic": mic, "speaker": speaker})


@dataclass
class Samples:
    """RSS in bytes, threads and open descriptors, sampled every SAMPLE_S."""

    rss: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def take(self) -> None:
        pages = Path("/proc/self/statm").read_text().split()[1]
        self.add(
            int(pages) * os.sysconf("SC_PAGE_SIZE"),
            threading.active_count(),
            len(os.listdir("/proc/self/fd")),
        )

    def add(self, rss: int, threads: int, descriptors: int) -> None:
        self.rss.append(rss)
        self.threads.append(threads)
        self.descriptors.append(descriptors)

    def settled(self) -> Samples:
        """Return the samples without the first fifth, in which caches fill."""
        first = len(self.rss) // 5
        return Samples(self.rss[first:], self.threads[first:], self.descriptors[first:])

    def slope_percent(self) -> float:
        """Return how much RSS grows over the whole time, in percent of its mean."""
        if len(self.rss) < 2:
            return 0.0
        slope = float(np.polyfit(np.arange(len(self.rss)), self.rss, 1)[0])
        return 100 * slope * len(self.rss) / float(np.mean(self.rss))


def growth(counts: list[int]) -> int:
    """Return by how much the peak of the second half exceeds that of the first."""
    half = len(counts) // 2
    return max(counts[half:], default=0) - max(counts[:half], default=0)


def converse(graph: Graph) -> tuple[Samples, TurnLog]:
    """Run a graph to its end, and sample the process meanwhile."""
    samples, log = Samples(), TurnLog(graph)
    pipeline = Pipeline(graph)
    pipeline.bus.listen(log.listen)
    reader = threading.Thread(target=lambda: deque(pipeline.bus, maxlen=0), daemon=True)
    reader.start()  # as `vflow run` does: the bus keeps unread messages, up to a limit
    with pipeline:
        while not pipeline.wait(SAMPLE_S):
            samples.take()
    return samples, log


def serve(sessions: int, seconds: int) -> tuple[Samples, Noted]:
    """Have clients talk with a server, and sample its process."""
    samples, noted = Samples(), Noted()
    said, seeds, until = question(), itertools.count(), time.perf_counter() + seconds
    system = scripted_server("vad")
    with system.start(sessions + sessions // 2) as server:
        crowd = Crowd([], noted)

        def come(count: int) -> None:
            kinds, place = (WHOLE, BY_COMMAND, BY_VOICE), (server.host, server.port)
            talkers = [Talker(place, system.dialect, said, kinds, noted, next(seeds)) for _ in range(count)]
            crowd.join(talkers)
            crowd.begin()
            for number, talker in enumerate(talkers):
                talker.lasts(script.REPLY_S)
                talker.talk(time.perf_counter() + 6.0 * number / count)

        come(sessions)
        while time.perf_counter() < until:
            crowd.run(SAMPLE_S)
            samples.add(server.rss(), server.threads(), server.descriptors())
            if len(samples.rss) % round(STAY_S / SAMPLE_S) == 0:
                crowd.leave(crowd.talkers[: sessions // 2])
                come(sessions // 2)
        crowd.close()
    return samples, noted


def draw(samples: Samples, path: str) -> str:
    """Draw RSS over time; return a note on success or failure."""
    if importlib.util.find_spec("matplotlib") is None:
        return "no picture: matplotlib is not installed"
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    minutes = np.arange(len(samples.rss)) * SAMPLE_S / 60
    figure, axes = pyplot.subplots(figsize=(8, 3))
    axes.plot(minutes, np.asarray(samples.rss) / 1e6)
    axes.set(xlabel="minutes", ylabel="RSS, MB", ylim=(0, None))
    figure.savefig(path, bbox_inches="tight")
    return f"drawn: {path}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long to converse")
    parser.add_argument("--real", action="store_true", help="with the models of voice_agent.yaml")
    parser.add_argument("--picture", metavar="PNG", help="draw RSS over time, where matplotlib is")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--serve", type=int, metavar="N", help="soak a server with N clients")
    args = parser.parse_args()
    seconds = int(args.minutes * 60)
    if args.serve:
        samples, noted = serve(args.serve, seconds)
        told = {
            "turns": len(noted.waits),
            "interrupted": len(noted.stops) + len(noted.voice_stops),
            "lost": noted.lost,
            "unanswered": noted.unanswered,
        }
    else:
        with tempfile.TemporaryDirectory() as folder:
            samples, log = converse((real if args.real else scripted)(seconds, Path(folder)))
        turns = log.snapshot()
        told = {
            "turns": len(turns),
            "interrupted": sum(turn.interrupted for turn in turns),
            "warnings": log.warnings,
        }
    settled = samples.settled()
    values = {
        "rss_slope_percent": round(settled.slope_percent(), 2),
        "threads": growth(settled.threads),
        "descriptors": growth(settled.descriptors),
    }
    result = {
        "minutes": args.minutes,
        **told,
        "rss_mb": [round(samples.rss[index] / 1e6, 1) for index in (0, len(samples.rss) // 5, -1)],
        "targets": {
            name: {"value": values[name], "target": limit, "met": values[name] <= limit}
            for name, limit in TARGETS.items()
        },
    }
    picture = draw(samples, args.picture) if args.picture else ""
    if args.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        if name != "targets":
            print(f"{name:12} {value}")
    for name, limit in TARGETS.items():
        print(f"{name} {values[name]}, target {limit:g}: {'met' if values[name] <= limit else 'MISSED'}")
    if picture:
        print(picture)


if __name__ == "__main__":
    main()
