"""Time transformers: ms a token of `generate` and of a plain loop, with the same weights, in the same run.

All systems answer the same prompt greedily, in turn, A B C A B C; a figure is the median of the rounds. The
time for the prompt does not count: time starts at the second token, or for several rows when all have begun.
"""

from __future__ import annotations

import copy
import inspect
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from decoding.alarm import OutOfTime, at_most
from decoding.record import Record
from decoding.rows import GREEDY, Rows, best_kernels, stepper
from decoding.setting import Setting, endless
from decoding.sizes import random_ids
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList

from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

SLOTS = 4
PLAIN: dict[str, Any] = {"temperature": 0, "repetition_penalty": 1.0, "no_repeat_ngram": 0}
TARGETS = {"tiny": (1.4, 2.5), "127m": (1.15, 2.5)}
"""On a CPU: how many times as fast as `generate` a token is to be, alone and with four slots."""


class Stamps(LogitsProcessor):  # type: ignore[misc]
    """Notes when `generate` asks for each token's logits; it waits for the device between two of them."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.times.append(time.perf_counter())
        return scores


def token_ms(times: list[float]) -> float:
    """Return the mean time between two tokens, from the second on, in ms."""
    return (times[-1] - times[1]) / (len(times) - 2) * 1e3


@dataclass
class Field:
    """The setting that all contestants share."""

    setting: Setting
    prompt: list[int]
    tokens: int

    def ids(self, rows: int = 1) -> torch.Tensor:
        return torch.tensor([self.prompt] * rows, device=self.setting.device)

    def generate(self, rows: int = 1, **more: Any) -> float:
        """Return ms a token of `generate`; for several rows, per token of all rows."""
        stamps = Stamps()
        config = copy.copy(self.setting.model.generation_config)
        fixed = {"eos_token_id": None, "min_new_tokens": None, "max_new_tokens": self.tokens}
        config.update(**{"do_sample": False, **fixed, **more})
        ids = self.ids(rows)
        self.setting.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            generation_config=config,
            logits_processor=LogitsProcessorList([stamps]),
        )
        return token_ms(stamps.times) / rows

    @torch.inference_mode()
    def loop(self) -> float:
        """Return ms a token of the obvious loop: forward, argmax, item."""
        model, times = self.setting.model, []
        named = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
        cache, ids = {named: DynamicCache(config=model.config)}, self.ids()
        for _ in range(self.tokens):
            ids = model(ids, logits_to_keep=1, **cache).logits[:, -1].argmax(-1, keepdim=True)
            ids.item()
            times.append(time.perf_counter())
        return token_ms(times)

    def engine(self, engine: Engine, sessions: int, sampling: Sampling) -> float:
        """Return ms a token of sessions with a thread each, as in vflow; per token of all sessions."""
        asked = [DecodeSession(engine) for _ in range(sessions)]
        times: list[list[float]] = [[] for _ in asked]

        def answer(session: DecodeSession, times: list[float]) -> None:
            reply = session.generate(Prompt(self.prompt), sampling)
            for _ in reply.words():
                if len(reply.tokens) > len(times):
                    times.append(time.perf_counter())

        threads = [threading.Thread(target=answer, args=pair) for pair in zip(asked, times, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for session in asked:
            session.close()
        if sessions == 1:
            return token_ms(times[0])
        begun, ended = max(each[1] for each in times), min(each[-1] for each in times)
        count = sum(begun < stamp <= ended for each in times for stamp in each)
        return (ended - begun) / count * 1e3

    def steps(self, rows: int) -> Callable[[], float]:
        """Return a function that times the engine's inner loop alone: no thread, no words."""
        setting = self.setting
        each = stepper(setting.weights, rows, 1024, best_kernels(setting.device), capture=True)

        def run() -> float:
            standing = Rows(each, setting.device, rows, len(self.prompt), GREEDY)
            standing.begin(self.prompt)
            return standing.step_ms(self.tokens - 3, rounds=1) / rows

        return run


def run(record: Record, setting: Setting) -> None:
    name = setting.size.name
    field = Field(
        setting, random_ids(setting.size, 405 if setting.cuda else 64, setting.seed), count(setting)
    )
    found: dict[str, list[float]] = {}
    record.attempt(f"{name}: beside transformers", lambda: compete(record, field, found))
    medians = {who: statistics.median(each) for who, each in found.items() if each}
    if medians:
        record.note(f"{name} ms a token", medians)
        record.detail[f"{name} ms a token, each round"] = found
        set_targets(record, setting, medians)


def count(setting: Setting) -> int:
    if setting.cuda:
        return setting.pick(128, 64)
    return setting.pick(96, 16) if setting.size.name == "tiny" else setting.pick(48, 12)


def compete(record: Record, field: Field, found: dict[str, list[float]]) -> None:
    """Warm up all contestants, then ask them in turn. One that fails is noted and left out."""
    setting = field.setting
    engine = setting.engine(SLOTS, 1024)
    record.note(f"{setting.size.name} engine", engine.stats())
    try:
        ready = warmed(record, field, contestants(field, engine))
        for who in ready:
            found[who] = []
        for _ in range(setting.pick(3 if setting.cuda else 5, 2)):
            for who, ask in ready.items():
                found[who].append(ask())
    finally:
        engine.close()


def contestants(field: Field, engine: Engine) -> dict[str, Callable[[], Callable[[], float]]]:
    """Return by name a function that makes each contestant. Those that sample use vflow's defaults."""
    settings, tokens = Sampling(), field.tokens
    drawn = {
        "do_sample": True,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "repetition_penalty": settings.repetition_penalty,
        "no_repeat_ngram_size": settings.no_repeat_ngram,
    }
    plain = endless(tokens, **PLAIN)

    def static() -> Callable[[], float]:
        return lambda: field.generate(cache_implementation="static")

    found: dict[str, Callable[[], Callable[[], float]]] = {
        "generate": lambda: field.generate,
        "engine": lambda: lambda: field.engine(engine, 1, plain),
        "engine, 4 slots": lambda: lambda: field.engine(engine, SLOTS, plain),
        "loop": lambda: field.loop,
        "stepper": lambda: field.steps(1),
        "stepper, 4 rows": lambda: field.steps(SLOTS),
        "generate, batch 4": lambda: lambda: field.generate(SLOTS),
        "generate, drawn": lambda: lambda: field.generate(**drawn),
        "engine, drawn": lambda: lambda: field.engine(engine, 1, endless(tokens)),
    }
    if field.setting.cuda or field.setting.size.name == "tiny":
        found["generate, static" + (", compiled" if field.setting.cuda else "")] = static
    return found


def warmed(
    record: Record, field: Field, made: dict[str, Callable[[], Callable[[], float]]]
) -> dict[str, Callable[[], float]]:
    """Return the contestants that ran once. A compiled one runs three times, to compile and capture."""
    ready = {}
    for who, make in made.items():
        name, seconds = f"{field.setting.size.name}: {who}", field.setting.pick(180, 90)
        began = time.perf_counter()
        try:
            with at_most(seconds):
                ask = make()
                for _ in range(3 if "compiled" in who else 1):
                    ask()
            ready[who] = ask
            record.say(f"  {who}: warm after {time.perf_counter() - began:.1f} s")
        except OutOfTime:
            record.skipped[name] = f"not warm after {seconds} s"
            record.say(f"  {who}: {record.skipped[name]}")
        except Exception as error:  # whatever one contestant raises, measure the others
            record.failures[name] = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            record.say(f"  {who}: FAILED: {record.failures[name]}")
        record.write()
    return ready


def set_targets(record: Record, setting: Setting, medians: dict[str, float]) -> None:
    """Set the targets: how many times as fast as `generate` a token is."""
    name = setting.size.name

    def ratio(theirs: str, ours: str, target: float | None) -> None:
        if theirs not in medians or ours not in medians:
            return
        what, value = f"{name}: {ours} beside {theirs}", medians[theirs] / medians[ours]
        if target is None:
            record.note(f"{what}, times", value)
        else:
            record.figure(f"{name} {ours}/{theirs}", what, value, target, "x", at_least=True)

    big = setting.big and setting.cuda
    alone, four = TARGETS.get(name, (None, None)) if not setting.cuda else (10.0 if big else None, None)
    ratio("generate", "engine", alone)
    ratio("generate", "engine, 4 slots", four)
    ratio("generate, static, compiled", "engine", 2.0 if big else None)
    for theirs, ours in (
        ("loop", "engine"),
        ("generate", "stepper"),
        ("generate", "stepper, 4 rows"),
        ("generate, batch 4", "engine, 4 slots"),
        ("generate, drawn", "engine, drawn"),
        ("generate, static", "engine"),
    ):
        ratio(theirs, ours, None)
