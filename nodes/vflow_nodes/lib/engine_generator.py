"""The base of the generators with a decode engine: properties, and a reply as packets."""

from __future__ import annotations

import collections.abc
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from vflow import Advice, TextPacket, Unavailable, join_words, prop
from vflow_nodes.lib import withheld
from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.generator import Emission, Emissions, Generator

if TYPE_CHECKING:
    from vflow_nodes.lib.decode.build import Options
    from vflow_nodes.lib.decode.engine import Engine
    from vflow_nodes.lib.decode.prompt import Embeds
    from vflow_nodes.lib.decode.reply import Reply
    from vflow_nodes.lib.decode.sampling import Sampling
    from vflow_nodes.lib.replies import Replies

T = TypeVar("T")
REPLY = 512
"""Tokens of a slot that follow the room for its prompt."""
NO_BEAMS = "it belongs to beam search, and a reply that is spoken as it is made is one beam"


class EngineGenerator(Generator):
    """A node that answers with words, token by token, on an engine that nodes with the same model share.

    A subclass loads an engine in `load`. From `open` on, `replies` is the node's session on it, and `reply`
    answers a prompt.
    """

    absent = dict.fromkeys(("length_penalty", "early_stopping"), NO_BEAMS)

    device: Literal["auto", "cpu", "cuda"] = prop("auto", doc="where the model runs")
    dtype: Literal["auto", "bfloat16", "float16", "float32", "int8"] = prop(
        "auto", doc="of the weights; auto is bfloat16 if the device can multiply it, else float32"
    )
    max_tokens: int = prop(
        250,
        ge=1,
        le=1024,
        doc="most tokens of a reply; it is cut after a whole sentence",
        hot=True,
    )
    min_words: int = prop(10, ge=0, le=1024, doc="words of a reply before it may end", hot=True)
    min_tokens: int = prop(20, ge=0, le=1024, doc="tokens of a reply before it may end", hot=True)
    temperature: float = prop(0.4, ge=0, le=5, doc="0 takes the likeliest token, 1 draws freely", hot=True)
    top_p: float = prop(0.85, ge=0, le=1, doc="draw from the likeliest tokens of this share", hot=True)
    top_k: int = prop(40, ge=1, le=64, doc="draw from this many of the likeliest tokens", hot=True)
    repetition_penalty: float = prop(
        1.15, ge=1, le=2, doc="makes tokens that the reply already has less likely; 1: off", hot=True
    )
    no_repeat_ngram: int = prop(
        3,
        ge=0,
        le=4,
        doc="this many tokens in a row never come twice in a reply; 0: off",
        hot=True,
    )
    seed: int | None = prop(None, ge=0, doc="makes the draw repeatable, turn by turn")
    context: int = prop(2048, ge=128, doc="tokens of persona and history; beyond it, the oldest are left out")
    slots: int = prop(4, ge=1, le=64, doc="sessions that the engine answers at once; they share the model")
    kernels: Literal["auto", "torch", "tuned", "compiled", "triton"] = prop(
        "auto", doc="which kernels compute: auto is Triton's on CUDA, else torch's, in float32 tuned"
    )
    graphs: bool = prop(True, doc="capture each step as a CUDA graph; no effect on the CPU")
    tf32: bool = prop(False, doc="let float32 products round to 19 bits; no effect on other types")

    asked_in = ""
    """The language of the packet that is answered, if it names one; the words of the reply name it too."""
    _death_told = False
    """Whether a reply has failed since the engine died."""

    def load(self, device: str, options: Options) -> Engine:
        """Return the running engine of the node's model, shared by all its users. Blocks. Raises:
        Unavailable."""
        raise NotImplementedError

    def open(self) -> None:
        """Load the model and join its engine. Raises: Unavailable."""
        from vflow_nodes.lib import checkpoints, replies  # they load torch

        options = replies.Options(
            slots=self.slots,
            context=self.context + self.room(),
            int8=self.dtype == "int8",
            kernels=self.kernels,
            graphs=self.graphs,
            tf32=self.tf32,
            threads=self.ctx.threads("torch"),
        )
        engine = self.load(checkpoints.pick_device(self.device), options)
        if self.context > engine.context:
            held = f"context {self.context:,} is more than the model's {engine.context:,} tokens"
            self.ctx.warn(f"{held}, and the history is cut to those; {engine.device.more_context}")
        if self.min_tokens > self.max_tokens:
            self.ctx.warn(f"min_tokens is above max_tokens: every reply ends at {self.max_tokens} tokens")
        self.replies: Replies = replies.Replies(engine)
        self._death_told = False
        self._warned = frozenset()

    def revive(self) -> None:
        """Join a fresh engine if the node's engine has died: a reply has raised the reason, and the node's
        `on_error` let the node go on. Blocks while the engine loads. Raises: Unavailable."""
        replies = self.__dict__.get("replies")
        if self._death_told and (replies is None or not replies.engine.open):
            self.close()
            self.open()
            self.warm_up()

    def ready(self, turn: int, prepare: Callable[[], T]) -> collections.abc.Generator[Emission, None, T]:
        """Return the result of `prepare` for a turn, on a live engine. If that fails, emit the turn's end, so
        that the nodes that speak the reply learn that none comes. Raises: DecodeError, Unavailable."""
        try:
            self.revive()
            return prepare()
        except (DecodeError, Unavailable):
            yield self.words, self.ended(turn, 0, "error")
            raise

    def close(self) -> None:
        if (replies := self.__dict__.pop("replies", None)) is not None:
            self.ctx.post("stats", "decode engine", **self.stats(replies.engine))
            replies.close()

    def room(self) -> int:
        """Return how many tokens of a slot are for the reply."""
        return REPLY

    def stats(self, engine: Engine) -> dict[str, Any]:
        """Return the options in effect, and counts of the engine's work for all its sessions."""
        return engine.stats()

    def reply(self, parts: Sequence[int | Embeds], turn: int, *, one_line: bool = False) -> Emissions:
        """Answer a prompt: yield the words as packets, None between tokens, and last the turn's end.

        Whatever ends the reply, the engine stops working on it, and `answered` is called. Raises:
        DecodeError, after a turn's end with the reason `error`, so that nodes that speak the reply know.
        """
        said: list[str] = []
        tokens: list[int] = []
        reply: Reply | None = None
        asked = prompt_counts(parts)
        try:
            reply = self.generate(parts, turn, one_line)
            tokens = reply.tokens
            try:
                for word in reply.words():
                    if word is None:
                        yield None
                        continue
                    said.append(word.text)
                    meta: dict[str, Any] = {"tokens": word.tokens}
                    if self.asked_in:
                        meta["language"] = self.asked_in
                    if not word.index:  # a reply that is cut has no end that would tell
                        meta |= asked
                    now = self.ctx.now_ns()
                    packet = TextPacket(text=word.text, index=word.index, turn=turn, pts_ns=now, meta=meta)
                    yield self.words, packet
                yield from self.finished(turn)
            finally:
                reply.cancel()
        except DecodeError:
            self._death_told = not self.replies.engine.open
            yield self.words, self.ended(turn, len(tokens), "error", asked)
            raise
        finally:
            whole = reply is not None and reply.stop_reason == "eos" and reply.plain
            self.answered(turn, join_words(said), tokens if whole else [])
        self._tell(*withheld.problem(reply, len(said)))
        more = {**withheld.counts(reply), **asked}
        yield self.words, self.ended(turn, len(tokens), reply.stop_reason or "eos", more)

    def generate(self, parts: Sequence[int | Embeds], turn: int, one_line: bool) -> Reply:
        """Have the engine begin a reply, and return at once. Raises: DecodeError."""
        return self.replies.generate(parts, self._sampling(turn), one_line=one_line)

    def finished(self, turn: int) -> Iterator[Emission]:
        """Emit more after a reply's last word; not called if the reply was stopped earlier."""
        yield from ()

    def advise(self) -> Iterator[Advice]:
        """Time a step of a reply with each choice that this machine has."""
        return self.replies.advise()

    def _sampling(self, turn: int) -> Sampling:
        return self.replies.sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repetition_penalty=self.repetition_penalty,
            no_repeat_ngram=self.no_repeat_ngram,
            min_words=self.min_words,
            min_tokens=self.min_tokens,
            max_tokens=self.max_tokens,
            seed=secrets.randbits(62) if self.seed is None else self.seed + turn,
        )


def prompt_counts(parts: Sequence[int | Embeds]) -> dict[str, int]:
    """Return how many tokens a prompt has, and how many of them are sound, for the meta of its reply."""
    audio = sum(part.length for part in parts if not isinstance(part, int))
    written = sum(isinstance(part, int) for part in parts)
    return {"prompt_tokens": written + audio, **({"prompt_audio_tokens": audio} if audio else {})}
