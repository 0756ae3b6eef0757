"""The base of the generators that sum up, between turns, the turns that leave their prompt."""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from vflow import MS, Flush, prop
from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.engine_generator import EngineGenerator
from vflow_nodes.lib.generator import Emission
from vflow_nodes.lib.summary import TOKENS, Summary

if TYPE_CHECKING:
    from vflow_nodes.lib.decode.prompt import Embeds

LOOK_NS = 50 * MS
"""How often to look at a summary that is being written."""
Message = Mapping[str, str]


class SummarizingGenerator(EngineGenerator):
    """A generator whose model sums up the turns that leave its context, while nobody waits for a reply.

    A subclass says which messages to tell (`untold`), how to ask for the summary (`ask_for_summary`), and
    keeps the text (`remember`). It calls `plan_summary` after it has answered a turn, and `drop_summary` when
    a turn begins.
    """

    summary: Literal["model", "none"] = prop(
        "model",
        doc="model: the model sums up, between turns, the turns that the context has no room for; none:"
        " they are forgotten",
    )

    _writing: Summary | None = None
    """The summary that is being written."""

    def untold(self) -> tuple[Sequence[Message], Sequence[Any]]:
        """Return the messages to tell in the next summary, none while there is room; and the entries of the
        history that it covers, from the first on."""
        raise NotImplementedError

    def ask_for_summary(self, messages: Sequence[Message]) -> Sequence[int | Embeds]:
        """Return a prompt that asks for a summary of the last summary and these messages. Raises:
        DecodeError."""
        raise NotImplementedError

    def remember(self, summary: str, covered: Sequence[Any]) -> None:
        """Use a summary in the place of the entries that it covers, and compute the prompt that begins with
        it. Raises: DecodeError."""
        raise NotImplementedError

    def prompt_room(self) -> int:
        """Return how many tokens a prompt may have."""
        raise NotImplementedError

    def more_context(self) -> str:
        """Return which property to set so that more of a conversation fits."""
        return self.replies.engine.device.more_context

    def close(self) -> None:
        self.drop_summary()
        super().close()

    def on_timer(self) -> Iterator[Emission]:
        """Begin a due summary once the reply has been played, and take it once it is written."""
        if self._writing is None and self.ctx.lead_ns():
            self.ctx.wake_at(self.ctx.now_ns() + self.ctx.lead_ns())
        elif self._writing is None:
            self._begin_summary()
        elif (text := self._writing.poll()) is not None:
            self._end_summary(text)
        else:
            self.ctx.wake_at(self.ctx.now_ns() + LOOK_NS)
        yield from ()

    def plan_summary(self) -> None:
        """Set the timer to see whether a summary is due."""
        if self.summary == "model" and self.slots > 1:
            self.ctx.wake_at(self.ctx.now_ns() + LOOK_NS)

    def drop_summary(self) -> None:
        """Drop the summary that is being written: a turn begins, or the history has changed."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def tell_too_long(self, what: str, most: int) -> None:
        """Warn, once, that a message was longer than the `most` tokens that a prompt may have."""
        self._tell(
            "too long",
            f"what {what} is longer than the {most:,} tokens that a prompt may have, and only its end is "
            f"answered; {self.more_context()}",
        )

    def tell_forgotten(self) -> None:
        """Warn, once, that turns have left that no summary will cover."""
        if self.summary == "none" or self.slots == 1:
            slots = " and 'slots: 2'" if self.slots == 1 else ""
            self._tell(
                "outgrown",
                "the conversation has outgrown the context, and its oldest turns are left out; "
                f"set 'summary: model'{slots}, or {self.more_context()}",
            )

    def _begin_summary(self) -> None:
        messages, covered = self.untold()
        if not messages:
            return
        room = self.prompt_room()

        def fits(cut: int) -> bool:
            return len(self.ask_for_summary(messages[cut:])) <= room

        try:
            first = bisect.bisect_left(range(len(messages) - 1), True, key=fits)
            sampling = self.replies.sampling(
                temperature=0, min_words=0, min_tokens=0, max_tokens=min(TOKENS, room // 4)
            )
            request = self.ask_for_summary(messages[first:])
            self._writing = Summary(*self.replies.aside(request, sampling), covered)
        except DecodeError:  # too long, or the engine has ended: the next turn reports it
            return
        self.ctx.wake_at(self.ctx.now_ns() + LOOK_NS)

    def _end_summary(self, text: str) -> None:
        writing, self._writing = self._writing, None
        if writing is None:
            return
        if not text:
            self._tell(
                "no summary",
                "the model wrote no summary of the turns that the context has no room for, and they are "
                f"forgotten; set 'model' to another, or {self.more_context()}",
            )
            return
        with contextlib.suppress(DecodeError):  # the next turn reports an error
            self.remember(text, writing.covered)

    def on_cancel(self, flush: Flush) -> None:
        super().on_cancel(flush)
        self.drop_summary()
        self.plan_summary()

    def on_flush(self, flush: Flush) -> None:
        super().on_flush(flush)
        if flush.retracts:
            self.drop_summary()
