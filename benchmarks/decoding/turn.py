"""Time a spoken turn from end of speech to first word, speculated or not, and how fast a reply is cut."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from decoding.record import Record, percentiles
from decoding.setting import Setting, endless
from decoding.sizes import EMBEDDINGS, PREFIX, ears, random_ids

from vflow_nodes.generator.voxtral.encoder import AudioEncoder
from vflow_nodes.generator.voxtral.mel import RATE_HZ, LogMel
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession
from vflow_nodes.lib.decode.words import Word

SLOTS = 4
SPOKEN_S = 6
STAGES = ("mel", "hand over", "encode", "prefill and first token", "first word")
PROMISED_MS = 100.0


@dataclass
class Moments:
    """The moments of one turn, in seconds of perf_counter; `encoded` is by the device's own clock."""

    spoken: float
    heard: float = 0.0
    begun: float = 0.0
    encoded: float = 0.0
    token: float = 0.0
    word: float = 0.0

    def stages_ms(self) -> dict[str, float]:
        """Return the duration of each stage, in the order of STAGES."""
        stamps = (self.spoken, self.heard, self.begun, self.encoded, self.token, self.word)
        spans = [(after - before) * 1e3 for before, after in itertools.pairwise(stamps)]
        return dict(zip(STAGES, spans, strict=True))

    @property
    def ms(self) -> float:
        return (self.word - self.spoken) * 1e3


@dataclass
class Speaker:
    """One user, who speaks noise, and the work to be done when that ends."""

    setting: Setting
    encoder: AudioEncoder
    prefix: list[int]
    session: DecodeSession
    noise: np.random.Generator = field(default_factory=np.random.default_rng)

    def speak(self) -> LogMel:
        """Speak some seconds of new noise: all but the last 20 ms of its mel is computed meanwhile."""
        mel = LogMel()
        level = self.noise.uniform(0.01, 0.2)
        mel.push(self.noise.normal(0, level, SPOKEN_S * RATE_HZ).astype(np.float32))
        return mel

    def ask(self, mel: LogMel, sampling: Sampling) -> tuple[Reply, Moments, Any]:
        """End the speech: compute the rest of the mel; in the engine's thread the encoder and the prompt's
        end."""
        cuda = self.setting.cuda
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if cuda else []
        last = self.noise.normal(0, 0.1, RATE_HZ // 50).astype(np.float32)
        moments = Moments(time.perf_counter())
        if cuda:
            events[0].record()  # the device is idle: this joins its clock with ours
        mel.push(last)
        windows = np.stack([window.mel for window in mel.windows()])
        moments.heard = time.perf_counter()

        def make() -> torch.Tensor:
            moments.begun = time.perf_counter()
            made = self.encoder.encode(windows)
            if cuda:
                events[1].record()
            moments.encoded = time.perf_counter()
            return made

        prompt = Prompt([*self.prefix, Embeds(len(windows) * EMBEDDINGS, make), 4])
        return self.session.generate(prompt, sampling), moments, events

    def turn(self, sampling: Sampling) -> tuple[Reply, Iterator[Word | None], Moments]:
        """Run a turn up to its first word; the reply then goes on with more words."""
        mel = self.speak()
        reply, moments, events = self.ask(mel, sampling)
        words = reply.words()
        for made in words:
            if reply.tokens and not moments.token:
                moments.token = time.perf_counter()
            if isinstance(made, Word):
                moments.word = time.perf_counter()
                break
        if not moments.word:
            raise RuntimeError(f"a reply of {len(reply.tokens)} tokens has no word: {reply.stop_reason}")
        if events:
            moments.encoded = moments.spoken + events[0].elapsed_time(events[1]) * 1e-3
        return reply, words, moments


def run(record: Record, setting: Setting) -> None:
    name = setting.size.name
    held: list[Engine] = []
    try:
        record.attempt(f"{name}: warm-up", lambda: held.append(warmed(record, setting)))
        if held:
            converse(record, setting, held[0])
    finally:
        for engine in held:
            engine.close()


def warmed(record: Record, setting: Setting) -> Engine:
    """Start an engine, and time the capture of its steps, or their first run."""
    began = time.perf_counter()
    engine = setting.engine(SLOTS, 4096 if setting.cuda else 1024)
    record.note(f"{setting.size.name} start and warm-up, s", time.perf_counter() - began)
    captured = getattr(engine.device, "graphs", 0)
    record.note(f"{setting.size.name} engine", {**engine.stats(), "captured": captured})
    return engine


def converse(record: Record, setting: Setting, engine: Engine) -> None:
    name = setting.size.name
    made: list[Speaker] = []

    def enter() -> None:
        encoder = AudioEncoder(
            ears(setting.size, setting.device, setting.dtype, setting.seed),
            setting.device,
            setting.dtype,
            capture=True,
        )
        engine.call(encoder.warm_up).result()
        prefix = random_ids(setting.size, PREFIX, setting.seed)
        session = DecodeSession(engine)
        session.prefill(Prompt(prefix))
        made.append(Speaker(setting, encoder, prefix, session))

    record.attempt(f"{name}: encoder and persona", enter)
    if not made:
        return
    speaker = made[0]
    record.attempt(f"{name}: unspeculated turns", lambda: unspeculated(record, speaker))
    record.attempt(f"{name}: confirmed speculations", lambda: confirmed(record, speaker))
    record.attempt(f"{name}: cancelled replies", lambda: cancelled(record, speaker, engine))
    record.note(f"{name} engine, at the end", engine.stats())


def turns(setting: Setting) -> int:
    return setting.pick(300, 100) if setting.cuda else setting.pick(40, 5)


def unspeculated(record: Record, speaker: Speaker) -> None:
    """Time a turn in which all work on the speech comes after its end; the persona is computed before."""
    setting, sampling = speaker.setting, endless(24)
    moments = []
    for _ in range(1 + turns(setting)):
        reply, _, found = speaker.turn(sampling)
        reply.cancel()
        moments.append(found)
    first, *rest = moments
    name = setting.size.name
    record.note(f"{name} first turn behind the warm-up, ms", first.ms)
    told = percentiles([each.ms for each in rest], 50, 95, 99)
    record.note(f"{name} end of speech to first word, ms", told)
    middle = sorted(rest, key=lambda each: each.ms)[len(rest) // 2]
    record.note(f"{name} waterfall, ms", middle.stages_ms())
    record.detail[f"{name} turns, ms"] = [each.ms for each in rest]
    if setting.cuda and setting.big:
        what = f"first word, not speculated, p99 of {len(rest)}"
        record.figure("first word", what, told["p99"], 20.0, "ms")
        record.figure(
            "first word promised", "the same, as vflow bench promises", told["p99"], PROMISED_MS, "ms"
        )


def confirmed(record: Record, speaker: Speaker) -> None:
    """Time a turn whose reply was begun at a pause: at the end of speech its words only have to be taken."""
    setting, sampling = speaker.setting, endless(24)
    taken = []
    for _ in range(turns(setting)):
        reply, _, _ = speaker.ask(speaker.speak(), sampling)
        while reply.untaken < 8 and reply.error is None:
            time.sleep(0.001)
        confirmed_at = time.perf_counter()
        if next((made for made in reply.words() if isinstance(made, Word)), None) is None:
            raise RuntimeError(f"a speculation has no word: {reply.stop_reason}")
        taken.append((time.perf_counter() - confirmed_at) * 1e3)
        reply.cancel()
    told = percentiles(taken, 50, 95, 99)
    record.note(f"{setting.size.name} confirmed speculation to first word, ms", told)
    if setting.cuda and setting.big:
        what = f"first word, confirmed speculation, p99 of {len(taken)}"
        record.figure("confirmed", what, told["p99"], 2.0, "ms")


def cancelled(record: Record, speaker: Speaker, engine: Engine) -> None:
    """Cut one of several replies: count the steps until its slot is free, and the words that still come."""
    setting, noise = speaker.setting, speaker.noise
    others = [DecodeSession(engine) for _ in range(SLOTS - 1)]
    steps, taken, late = [], [], 0
    for _ in range(turns(setting)):
        company = [each.generate(Prompt(speaker.prefix), endless(60)) for each in others]
        reply, words, _ = speaker.turn(endless(60))
        for _ in range(int(noise.integers(1, 8))):
            next(words)
        before, began = engine.counters.steps, time.perf_counter()
        reply.cancel()
        # asked after the cancel, and so done after it, in the engine's thread
        steps.append(engine.call(lambda: engine.counters.steps).result() - before)
        taken.append((time.perf_counter() - began) * 1e3)
        late += sum(made is not None for made in words)
        for each in company:
            each.cancel()
    for session in others:
        session.close()
    name = setting.size.name
    record.note(f"{name} cancel to free slot, ms", percentiles(taken, 50, 95, 99))
    what = f"steps until a cut reply's slot is free, max of {len(steps)}"
    record.figure(f"{name} cancel", what, max(steps), 2)
    record.figure(f"{name} late words", f"words behind the cut, in {len(steps)} replies", late, 0)
