"""Run many sessions for minutes, at the pace of speech: first word, errors, and whether memory stays flat."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from decoding.device import memory_mb
from decoding.record import Record, percentiles
from decoding.setting import Setting, endless
from decoding.sizes import EMBEDDINGS, PREFIX, random_ids

from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.session import DecodeSession

WORDS_PER_S = 4.0
REPLY = (60, 100)
"""Fewest and most tokens of a reply."""
CUT = 1 / 3
"""Share of replies that are interrupted at some word."""
REST_S = (0.2, 2.0)


@dataclass
class Log:
    """The observations of the sessions' threads. Appending to its lists is atomic."""

    first_ms: list[tuple[float, float]] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass
class User:
    """A user who speaks, hears four words a second, and interrupts every third reply."""

    setting: Setting
    engine: Engine
    log: Log
    stop: threading.Event
    began: float
    noise: np.random.Generator

    def live(self) -> None:
        session = DecodeSession(self.engine)
        prefix = random_ids(self.setting.size, PREFIX, self.setting.seed)
        try:
            while not self.stop.is_set():
                self.turn(session, prefix)
                self.stop.wait(self.noise.uniform(*REST_S))
        except DecodeError as error:
            self.log.errors.append(f"{type(error).__name__}: {error}")
        finally:
            session.close()

    def turn(self, session: DecodeSession, prefix: list[int]) -> None:
        setting = self.setting

        def make() -> torch.Tensor:
            return torch.randn(EMBEDDINGS, setting.size.hidden, device=setting.device, dtype=setting.dtype)

        prompt = Prompt([*prefix, Embeds(EMBEDDINGS, make), 4])
        limit = int(self.noise.integers(*REPLY, endpoint=True))
        last = int(self.noise.integers(1, 40)) if self.noise.random() < CUT else limit + 1
        asked = time.perf_counter()
        reply = session.generate(prompt, endless(limit, seed=int(self.noise.integers(1 << 62))))
        heard = 0
        for word in reply.words():
            if word is None:
                continue
            now = time.perf_counter()
            if heard == 0:
                self.log.first_ms.append((now - self.began, (now - asked) * 1e3))
            heard += 1
            self.log.words.append(now - self.began)
            if heard >= last or self.stop.wait(1 / WORDS_PER_S):
                reply.cancel()
                break
        if not self.stop.is_set():
            (self.log.cut if reply.over else self.log.whole).append(heard)


def run(record: Record, setting: Setting) -> None:
    name = setting.size.name
    record.attempt(f"{name}: {setting.sessions} sessions", lambda: soak(record, setting))


def soak(record: Record, setting: Setting) -> None:
    engine = setting.engine(setting.sessions, 2048 if setting.cuda else 1024)
    log, stop = Log(), threading.Event()
    record.note(f"{setting.size.name} engine", engine.stats())
    began = time.perf_counter()
    users = [
        User(setting, engine, log, stop, began, np.random.default_rng(setting.seed + number))
        for number in range(setting.sessions)
    ]
    threads = [threading.Thread(target=user.live, name=f"user {n}") for n, user in enumerate(users)]
    samples: list[dict[str, float]] = []
    try:
        for thread in threads:
            thread.start()
        watch(record, setting, engine, log, samples, began)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)
        stats = engine.stats()
        engine.close()
    tell(record, setting, log, samples, stats, time.perf_counter() - began)


def watch(
    record: Record, setting: Setting, engine: Engine, log: Log, samples: list[dict[str, float]], began: float
) -> None:
    """Sample memory until the time is over."""
    lasts_s = setting.minutes * 60 * (0.5 if setting.quick else 1)
    every_s = max(0.1, lasts_s / 60)
    spoken = 0.0
    while (at := time.perf_counter() - began) < lasts_s:
        samples.append({"s": at, "tokens": engine.counters.tokens, **memory_mb(setting.device)})
        if at > spoken + 15:
            spoken = at
            record.say(f"  {len(log.first_ms)} replies, {len(log.errors)} errors, {samples[-1]}")
        time.sleep(min(every_s, max(0.0, lasts_s - at)) + 1e-3)
    samples.append({"s": lasts_s, "tokens": engine.counters.tokens, **memory_mb(setting.device)})


def tell(
    record: Record,
    setting: Setting,
    log: Log,
    samples: list[dict[str, float]],
    stats: dict[str, object],
    lasted_s: float,
) -> None:
    name, device = setting.size.name, "allocated" if "allocated" in samples[0] else "rss"
    first = [ms for _, ms in log.first_ms]
    told = percentiles(first, 50, 95, 99)
    record.note(f"{name} sessions", setting.sessions)
    record.note(f"{name} seconds", lasted_s)
    record.note(f"{name} replies whole and cut", [len(log.whole), len(log.cut)])
    record.note(f"{name} first word, ms", told)
    record.note(f"{name} tokens a second", samples[-1]["tokens"] / samples[-1]["s"])
    record.note(f"{name} engine, at the end", stats)
    record.detail[f"{name} first word over time, s and ms"] = log.first_ms
    record.detail[f"{name} memory, MB"] = samples
    if log.errors:
        record.note(f"{name} errors", log.errors[:10])
    half = len(samples) // 2
    for where, at in (("start", 0), ("middle", half), ("end", -1)):
        record.note(f"{name} memory at the {where}, MB", samples[at][device])
    peaks = [max(each[device] for each in part) for part in (samples[: half + 1], samples[half:])]
    record.figure(f"{name} errors", f"errors in {len(first)} replies", len(log.errors), 0)
    grown = 100 * (peaks[1] - peaks[0]) / peaks[0]
    record.figure(f"{name} memory", f"growth of the peak, {device}, second half", grown, 1.0, "%")
    if setting.cuda and setting.big and first:
        what = f"first word, {setting.sessions} sessions, p99 of {len(first)}"
        record.figure("soak first word", what, told["p99"], 100.0, "ms")
