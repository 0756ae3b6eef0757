"""Advice: a property that would make a pipeline faster or smaller here, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Effect = Literal["faster", "smaller", "none"]


@dataclass(frozen=True, slots=True)
class Advice:
    """Set `setting` to `value`: what that gains. Less is better: `before` and `after` are times or sizes in
    `unit`, measured here, or with `known` computed from properties and not measured.

    `setting` is a property of the node that gives the advice, or with `node` set to "" one of the graph
    (`threads.torch`); `vflow doctor` fills in the name of the node where it is None. The effect `none` says
    that a setting which people expect something of does nothing here, and `text` why; it needs no figures.

    Raises: ValueError for an effect other than `none` without figures, or for one figure without the other.
    """

    setting: str
    value: str
    text: str
    effect: Effect
    before: float | None = None
    after: float | None = None
    unit: str = ""
    known: bool = False
    node: str | None = None

    def __post_init__(self) -> None:
        if (self.before is None) is not (self.after is None):
            raise ValueError(f"advice about {self.setting}: 'before' and 'after' are given together")
        if self.before is None and self.effect != "none":
            raise ValueError(f"advice about {self.setting}: {self.effect} by what? give 'before' and 'after'")

    @property
    def name(self) -> str:
        """What is set, as `--set` takes it: `generator.chat.model`."""
        return f"{self.node}.{self.setting}" if self.node else self.setting

    @property
    def ratio(self) -> float | None:
        """How many times less it is with the setting; None without figures, or where nothing is left."""
        if self.before is None or self.after is None or self.after <= 0:
            return None
        return self.before / self.after


@runtime_checkable
class Advises(Protocol):
    """A node whose settings can be compared on the machine at hand."""

    def advise(self) -> Iterator[Advice]:
        """Measure what may be set of this node, for a few seconds. Called between `warm_up` and `close`, with
        nothing else running; leaves the node as it was."""
