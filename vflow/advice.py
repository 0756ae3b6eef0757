"""Advice: a property that would make a pipeline faster or smaller on this machine, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Effect = Literal["faster", "smaller", "none"]


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice to set `setting` to `value`, and what that gains.

    setting: a property of the node that gives the advice; with `node` set to "", one of the graph, such as
        `threads.torch`. If `node` is None, `vflow doctor` fills in the node's name.
    before, after: times or sizes in `unit`; less is better. They are measured here, or with `known` computed
        from properties.
    effect: `none` says that a setting of which people expect something does nothing here. `text` says why; no
        figures are needed.

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
        """The full name of the setting, as `--set` takes it: `generator.chat.model`."""
        return f"{self.node}.{self.setting}" if self.node else self.setting

    @property
    def ratio(self) -> float | None:
        """How many times less it is with the setting; None without figures, or if nothing is left."""
        if self.before is None or self.after is None or self.after <= 0:
            return None
        return self.before / self.after


@runtime_checkable
class Advises(Protocol):
    """A node that can compare its settings on the present machine."""

    def advise(self) -> Iterator[Advice]:
        """Measure this node's settings for a few seconds. Called between `warm_up` and `close`, while nothing
        else runs. Leaves the node as it was."""
