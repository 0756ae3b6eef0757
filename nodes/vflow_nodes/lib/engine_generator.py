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
"""Tokens of a slot behind the room of its prompt."""
NO_BEAMS = "it belongs to beam search, and a reply that is spoken as it is made is one beam"


class EngineGenerator(Generator):
    """A node that answers with words, token by token, on an engine that it shares with its like.

    A subclass loads an engine in `load`; from `open` on, `replies` is the node's session on it, and `reply`
    answers a prompt.
    """

    absent = dict.fromkeys(("length_penalty", "early_stopping"), NO_BEAMS)

    device: Literal["auto", "cpu", "cuda"] = prop("auto", doc="where the model runs")
    dtype: Literal["auto", "bfloat16", "float16", "float32", "int8"] = prop(
        "auto", doc="of the weights; auto is bfloat16 where the device multiplies it, else float32"
    )
    max_tokens: int = prop(
        250,
        ge=1,
        le=1024,
        doc="tokens of a reply, at most: it ends with a whole sentence then",
        hot=True,
    )
    min_words: int = prop(10, ge=0, le=1024, doc="words of a reply before it may end", hot=True)
    min_tokens: int = prop(20, ge=0, le=1024, doc="tokens of a reply before it may end", hot=True)
    temperature: float = prop(0.4, ge=0, le=5, doc="0 takes the likeliest token, 1 draws freely", hot=True)
    top_p: float = prop(0.85, ge=0, le=1, doc="draw from the likeliest tokens of this share", hot=True)
    top_k: int = prop(40, ge=1, le=64, doc="draw from so many of the likeliest tokens", hot=True)
    repetition_penalty: float = prop(
        1.15, ge=1, le=2, doc="makes what the reply has said less likely; 1 does not", hot=True
    )
    no_repeat_ngram: int = prop(
        3,
        ge=0,
        le=4,
        doc="so many tokens in a row never come twice in a reply; 0 allows it",
        hot=True,
    )
    seed: int | None = prop(None, ge=0, doc="makes what is drawn repeatable, turn by turn")
    context: int = prop(2048, ge=128, doc="tokens of persona and history; beyond it, the oldest are left out")
    slots: int = prop(4, ge=1, le=64, doc="sessions that the engine answers at once; they share the model")
    kernels: Literal["auto", "torch", "tuned", "compiled", "triton"] = prop(
        "auto", doc="what computes: auto takes Triton's on CUDA, elsewhere torch's, tuned in float32"
    )
    graphs: bool = prop(True, doc="capture each step as a CUDA graph; no effect on the CPU")
    tf32: bool = prop(False, doc="let float32 products round to 19 bits; no effect on other types")

    asked_in = ""
    """The language of what is answered, where its packet names one; the words of the reply name it too."""
    _death_told = False
    """Whether a reply has failed since the engine died."""

    def load(self, device: str, options: Options) -> Engine:
        """The running engine of the node's model, shared by all that use it. Blocks. Raises: Unavailable."""
        raise NotImplementedError

    def open(self) -> None:
        """Load the model and take part in its engine. Raises: Unavailable."""
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
        """Take part in a fresh engine where the node's has died: what it died of was raised by a reply, and
        the node's `on_error` lets it go on. Blocks while it loads. Raises: Unavailable."""
        replies = self.__dict__.get("replies")
        if self._death_told and (replies is None or not replies.engine.open):
            self.close()
            self.open()
            self.warm_up()

    def ready(self, turn: int, prepare: Callable[[], T]) -> collections.abc.Generator[Emission, None, T]:
        """Return what `prepare` makes for a turn, on an engine that lives. Where that fails the turn's end
        goes out: whoever speaks the reply is to learn that none comes. Raises: DecodeError, Unavailable."""
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
        """Tokens of a slot for the reply."""
        return REPLY

    def stats(self, engine: Engine) -> dict[str, Any]:
        """The options in effect, and counts of the engine's work for all its sessions."""
        return engine.stats()

    def reply(self, parts: Sequence[int | Embeds], turn: int, *, one_line: bool = False) -> Emissions:
        """Answer a prompt: the words as packets, None between its tokens, and the turn's end behind them.

        Whatever ends it, the engine stops working on it, and `answered` is called. Raises: DecodeError,
        behind a turn's end with the reason `error`: whoever speaks the reply is to learn that no more comes.
        """
        said: list[str] = []
        tokens: list[int] = []
        reply: Reply | None = None
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
                    now = self.ctx.now_ns()
                    packet = TextPacket(text=word.text, index=word.index, turn=turn, pts_ns=now, meta=meta)
                    yield self.words, packet
                yield from self.finished(turn)
            finally:
                reply.cancel()
        except DecodeError:
            self._death_told = not self.replies.engine.open
            yield self.words, self.ended(turn, len(tokens), "error")
            raise
        finally:
            whole = reply is not None and reply.stop_reason == "eos" and reply.plain
            self.answered(turn, join_words(said), tokens if whole else [])
        self._tell(*withheld.problem(reply, len(said)))
        yield self.words, self.ended(turn, len(tokens), reply.stop_reason or "eos", withheld.counts(reply))

    def generate(self, parts: Sequence[int | Embeds], turn: int, one_line: bool) -> Reply:
        """Have the engine begin a reply; returns at once. Raises: DecodeError."""
        return self.replies.generate(parts, self._sampling(turn), one_line=one_line)

    def finished(self, turn: int) -> Iterator[Emission]:
        """Emit more after a reply's last word; not called where it was ended before."""
        yield from ()

    def advise(self) -> Iterator[Advice]:
        """Time a step of a reply with each choice there is here."""
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
