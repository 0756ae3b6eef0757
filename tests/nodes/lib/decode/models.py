"""Make models to test the decode engine: tiny models with random weights, and a device without a model."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import settings
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.engine import AHEAD, Engine
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.sampling import Sampling, Tuning
from vflow_nodes.lib.decode.scheduler import Scheduler
from vflow_nodes.lib.decode.stepper import Device
from vflow_nodes.lib.decode.vocabulary import Vocabulary
from vflow_nodes.lib.decode.words import Word

SIZES: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 24,  # heads * head_dim is not the hidden size, as in Voxtral
    "max_position_embeddings": 1024,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
}
ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 64}
FAMILIES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "llama": (LlamaConfig, LlamaForCausalLM, {}),
    "llama, tied": (LlamaConfig, LlamaForCausalLM, {"tie_word_embeddings": True, "attention_bias": True}),
    "llama, scaled rope": (LlamaConfig, LlamaForCausalLM, {"rope_parameters": ROPE}),
    "llama, yarn": (LlamaConfig, LlamaForCausalLM, {"rope_parameters": YARN}),
    "mistral": (MistralConfig, MistralForCausalLM, {"num_key_value_heads": 1}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {"head_dim": 16, "num_key_value_heads": 4}),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, {}),
}
SPREAD = {"embed_tokens": 1.0, "lm_head": 0.5, "bias": 0.3}
"""Standard deviations of random weights; with a narrower head, logits nearly tie."""


@cache
def tiny(family: str = "llama") -> Any:
    """Make a model of transformers, float32, whose layers matter: each adds as much as its input."""
    config, model_of, changes = FAMILIES[family]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_of(config(**{**SIZES, **changes})).eval().requires_grad_(False)
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.normal_(1.0, 0.2)
            else:
                parameter.normal_(0.0, next((s for part, s in SPREAD.items() if part in name), 0.2))
    return model


def vocabulary(ends: Sequence[int] = (2,)) -> Vocabulary:
    """Make 160 tokens: special ones, bytes of characters, marks, parts of words with or without a space."""
    marks = [b" ", b"\n", b".", b"!", b",", b"-", b"*", "é".encode(), b"\xe2", b"\x82", b"\xac"]
    pieces = [b"", b"", b"", *marks]
    for i in range(SIZES["vocab_size"] - len(pieces)):
        part = chr(97 + i % 26) + chr(97 + i // 26 * 5 % 26)
        pieces.append((f" {part}", part, f" {part}.", f"{part} ")[i % 8 // 2].encode())
    return Vocabulary([b"" if i in ends else piece for i, piece in enumerate(pieces)], frozenset(ends))


@contextmanager
def running(
    model: Any,
    words: Vocabulary,
    *,
    slots: int = 4,
    context: int = 256,
    chunk: int = 256,
    alone: int = 512,
) -> Iterator[Engine]:
    """An engine at work."""
    engine = build(model, words, Options(slots=slots, context=context, kernels="torch", threads=1))
    with served(Engine(engine.device, words), chunk, alone) as started:
        yield started


@contextmanager
def scripted(
    device: Device,
    words: Vocabulary,
    *,
    lag: bool = False,
    chunk: int = 256,
    alone: int = 512,
    ahead: int = AHEAD,
) -> Iterator[Engine]:
    """An engine at work on a device without a model."""
    with served(Engine(device, words, lag=lag, ahead=ahead), chunk, alone) as started:
        yield started


@contextmanager
def served(engine: Engine, chunk: int, alone: int) -> Iterator[Engine]:
    engine._scheduler = Scheduler(engine.device.slots, chunk, alone, rewinds=engine.device.rewinds)
    try:
        yield engine.start()
    finally:
        engine.close()


LAGS = pytest.mark.parametrize("lag", [False, True], ids=["at once", "a step late"])


def free(tokens: int, **settings: Any) -> Sampling:
    """Return sampling without minima, up to `tokens` tokens, greedy unless `settings` differ."""
    return Sampling(**{"temperature": 0, "min_words": 0, "min_tokens": 0, "max_tokens": tokens, **settings})


def settled(engine: Engine) -> dict[str, Any]:
    """Wait until the engine has done all work; return its statistics."""
    return engine.call(engine.stats).result(20)


def examples(few: int) -> settings:
    """Run `few` repeatable examples of a property; VFLOW_EXAMPLES=1000 draws new ones, and more."""
    many = int(os.environ.get("VFLOW_EXAMPLES", "0"))
    return settings(max_examples=many or few, derandomize=not many, deadline=None, print_blob=True)


def taken(reply: Reply) -> list[Word]:
    """Wait for the end of a reply; return all its words. Raises: the reply's error."""
    words, tokens = [], -1
    for word in reply.words(patience_s=20.0):
        if word is None:
            assert len(reply.tokens) > tokens, "no token came for 20 s"
            tokens = len(reply.tokens)
        else:
            words.append(word)
    return words


def text_of(vocabulary: Vocabulary, tokens: Sequence[int]) -> str:
    """Return the text of tokens, without bytes that are not a character."""
    return b"".join(vocabulary.pieces[token] for token in tokens).decode(errors="ignore")


def tokens_of(reply: Reply) -> list[int]:
    """Wait for the end of a reply; return all its tokens, without the one that ended it."""
    taken(reply)
    return reply.tokens


def ids(seed: int, length: int) -> list[int]:
    """Return a prompt of random ordinary tokens."""
    generator = torch.Generator().manual_seed(seed)
    drawn: list[int] = torch.randint(3, SIZES["vocab_size"], (length,), generator=generator).tolist()
    return drawn


class Drawn:
    """The tokens of a scripted step; `read` may have to wait, or fail."""

    def __init__(self, tokens: list[int], before: Callable[[], None]) -> None:
        self._tokens, self._before = tokens, before

    def read(self) -> list[int]:
        self._before()
        return self._tokens


class Scripted:
    """A device without a model. It draws the token `answer(keys)` of all tokens in its slot, so that a single
    wrong position shows. It refuses a prompt whose beginning differs from the slot's tokens.

    `before(what, slots)` is called before each piece of work (`prefill`, `first`, `step`, `read`), and may
    raise or wait. `log` lists all calls.
    """

    rewinds = True
    more_context = "set 'context' higher"

    def __init__(
        self,
        answer: Callable[[Sequence[int]], int],
        *,
        slots: int = 2,
        context: int = 1024,
        before: Callable[[str, Sequence[int]], None] = lambda what, slots: None,
    ) -> None:
        self.slots, self.context = slots, context
        self.answer, self.before = answer, before
        self.held: list[list[int]] = [[] for _ in range(slots)]
        self.log: list[tuple[str, tuple[int, ...], int]] = []
        self.tuned: list[tuple[int, Tuning]] = []
        self._next = [0] * slots

    def prefill(self, slot: int, prompt: Prompt, start: int, stop: int) -> None:
        self.log.append(("prefill", (slot,), stop - start))
        self.before("prefill", [slot])
        if self.held[slot][:start] != prompt.keys[:start]:
            raise AssertionError(f"slot {slot} does not hold the first {start} positions of this prompt")
        self.held[slot][start:] = prompt.keys[start:stop]

    def first(self, slot: int, position: int, sampling: Sampling) -> Drawn:
        self.log.append(("first", (slot,), position))
        self.before("first", [slot])
        assert len(self.held[slot]) == position
        self._next[slot] = self.answer(self.held[slot])
        return Drawn([self._next[slot]], lambda: self.before("read", [slot]))

    def counted(self, slot: int, words: int) -> None:
        self.log.append(("counted", (slot,), words))

    def tune(self, slot: int, tuning: Tuning) -> None:
        self.tuned.append((slot, tuning))

    def step(self, slots: Sequence[int], longest: int, greedy: bool) -> Drawn:
        self.log.append(("step", tuple(slots), longest))
        self.before("step", slots)
        assert max(len(self.held[slot]) for slot in slots) <= longest < self.context
        for slot in slots:
            self.held[slot].append(self._next[slot])
            self._next[slot] = self.answer(self.held[slot])
        return Drawn([self._next[slot] for slot in slots], lambda: self.before("read", slots))


def hashed(keys: Sequence[int]) -> int:
    """Return an ordinary token that depends on every key and its place."""
    return 3 + hash(tuple(keys)) % 157


def answered(
    answer: Callable[[Sequence[int]], int], prompt: Sequence[int], limit: int, end: int = 2
) -> list[int]:
    """Return the reply of a `Scripted` device that serves nobody else."""
    keys, said = list(prompt), list[int]()
    while len(said) < limit and (token := answer([*keys, *said])) != end:
        said.append(token)
    return said


class Gate:
    """Holds up a device's work until `let` allows more pieces of it. For use in `before`."""

    def __init__(self, allowed: int = 0) -> None:
        self._allowed = threading.Semaphore(allowed)
        self.reached = threading.Semaphore(0)

    def let(self, pieces: int) -> None:
        self._allowed.release(pieces)

    def wait(self) -> None:
        """Wait until a piece of work is allowed. Called by the device."""
        self.reached.release()
        assert self._allowed.acquire(timeout=20), "nobody opened the gate"

    def wait_reached(self) -> None:
        """Wait until a piece of work has come to the gate. Called by the test."""
        assert self.reached.acquire(timeout=20), "nothing reached the gate"


def gated(what: str = "step", **sizes: int) -> tuple[Gate, Scripted]:
    """Return a gate, and a device that draws by `hashed` and waits there before one kind of work."""
    gate = Gate()
    return gate, Scripted(hashed, before=lambda kind, slots: gate.wait() if kind == what else None, **sizes)
