"""A generator's side of the decode engine: its session, and its requests.

It is the one border between generators and torch: this module imports torch, and `EngineGenerator.open`
imports this module. So a generator can be inspected and checked without torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal

from vflow import Advice, Unavailable
from vflow_nodes.lib.decode import build, option_timing
from vflow_nodes.lib.decode.build import Options
from vflow_nodes.lib.decode.device_errors import explained
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import Closed, DecodeError, Full
from vflow_nodes.lib.decode.option_timing import Choice, Figure
from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession
from vflow_nodes.lib.decode.stepper import Stepper

REHEARSED = 256
"""Most tokens of a rehearsal that shows whether a model begins with a thought."""

__all__ = ["Options", "Replies"]


class Replies:
    """One session on an engine that others may share. The node's thread."""

    sampling = Sampling
    """The class of the options for drawing a reply, for nodes, which cannot import it themselves."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session = DecodeSession(engine)

    def close(self) -> None:
        """End the session and its replies; may be called twice."""
        self.session.close()

    def warm_up(self, batch: int, longest: int) -> None:
        """Run once, or capture, every step of up to `batch` replies to prompts of up to `longest` tokens, and
        wait for them. Raises: Unavailable if the device fails, or the engine has died."""
        try:
            build.warm_up(self.engine, batch, longest)
        except Exception as error:  # the device's libraries
            raise Unavailable(str(explained(error, "its warm-up"))) from error

    def rehearse(self, parts: Sequence[int | Embeds]) -> None:
        """Answer a prompt with two tokens that nobody hears, and wait for them. This computes the part that
        the first turn's prompt shares, and `vflow doctor` compares numbers of threads by it. If other
        sessions have all slots, the first turn computes it. A model that may think although its prompt does
        not say so answers in full, so that its habit is known. Raises: Unavailable."""
        prompt, vocabulary = Prompt(parts), self.engine.vocabulary
        unsure = vocabulary.markup.unsure(vocabulary.tail(prompt.keys))
        brief = Sampling(max_tokens=2)
        whole = Sampling(temperature=0, min_words=0, min_tokens=0, max_tokens=REHEARSED)
        try:
            reply = self.session.generate(prompt, whole if unsure else brief)
            for _ in reply.words():
                if len(reply.tokens) >= REHEARSED or (unsure and not reply.spoken.parser.held):
                    reply.cancel()
        except Full:
            return
        except DecodeError as error:
            raise Unavailable(str(error)) from error

    def prefill(self, parts: Sequence[int | Embeds]) -> None:
        """Have a prompt's beginning computed before its end is known; return at once. If the engine has
        ended, the reply reports it."""
        with contextlib.suppress(Closed):
            self.session.prefill(Prompt(parts))

    def generate(self, parts: Sequence[int | Embeds], sampling: Sampling, *, one_line: bool = False) -> Reply:
        """Have the engine begin a reply, and return at once. Raises: DecodeError."""
        return self.session.generate(Prompt(parts), sampling, one_line=one_line)

    def aside(self, parts: Sequence[int | Embeds], sampling: Sampling) -> tuple[DecodeSession, Reply]:
        """Begin a reply in a session of its own, beside any other reply; the caller closes it."""
        session = DecodeSession(self.engine)
        return session, session.generate(Prompt(parts), sampling)

    def advise(self) -> Iterator[Advice]:
        """Time a step of a reply with each choice that this machine has."""
        engine = self.engine
        stepper, effects = engine.device, engine.stats()
        if not isinstance(stepper, Stepper) or effects["kernels"] == "transformers":
            return
        cuda = effects["device"] != "cpu"
        now = Choice(effects["weights"] == "int8", effects["kernels"], effects["graphs"])
        figures = engine.call(lambda: list(option_timing.compare(stepper, now))).result()
        for other in figures[1:]:
            yield _compared(figures[0], other)
        narrow = next((figure for figure in figures if figure.choice.int8 and not now.int8), None)
        if narrow is not None:
            error = engine.call(lambda: option_timing.logits_error(stepper.weights)).result()
            text = f"moves the logits by {error:.1%} of their size"
            yield Advice("dtype", "int8", text, "smaller", figures[0].bytes / 1e6, narrow.bytes / 1e6, "MB")
        if not (cuda and effects["dtype"] == "float32"):
            yield Advice(
                "tf32", "true", f"only float32 on CUDA is rounded; here it is {effects['dtype']}", "none"
            )
        if not cuda:
            yield Advice("graphs", "true", "steps are captured on CUDA only", "none")


def _compared(first: Figure, other: Figure) -> Advice:
    """Return advice to take another choice, if that saves at least a tenth of the time."""
    names = {"int8": "dtype", "kernels": "kernels", "graphs": "graphs"}
    (changed,) = [name for name in names if getattr(first.choice, name) != getattr(other.choice, name)]
    value = "int8" if changed == "int8" else str(getattr(other.choice, changed)).lower()
    faster = other.step_ms < 0.9 * first.step_ms
    text = "a token of one reply" if faster else "a token of one reply is no faster so"
    effect: Literal["faster", "none"] = "faster" if faster else "none"
    return Advice(names[changed], value, text, effect, first.step_ms, other.step_ms, "ms")
