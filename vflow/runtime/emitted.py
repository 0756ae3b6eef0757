"""Items emitted by a node that a harness drives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vflow.caps import Caps
from vflow.event import Event
from vflow.ports import Item
from vflow.runtime.audio_check import guarded


class Emitted:
    """Emitted items, by output and in order. `caps(port)` returns the caps of an output."""

    def __init__(self, ports: Iterable[str], caps: Callable[[str], Caps]) -> None:
        self.order: list[Item] = []
        self._by_port: dict[str, list[Item]] = {port: [] for port in ports}
        self._caps = caps
        self._takes: dict[str, Callable[[Item], None]] = {}

    def entry(self, port: str) -> Callable[[Item], None]:
        """Return the function that takes the items of an output. It raises VflowError for audio that
        differs from the caps. Caps are read at the first item, since a file's header may fix them."""

        def take(item: Item) -> None:
            self._by_port[port].append(item)
            # an event comes once for each output, and is kept once
            if not (isinstance(item, Event) and self.order and self.order[-1] is item):
                self.order.append(item)

        def look(item: Item) -> None:
            if port not in self._takes:
                self._takes[port] = guarded(take, self._caps(port))
            self._takes[port](item)

        return look

    def pull(self, port: str = "") -> list[Item]:
        """Take all items so far, in order, or those of one output."""
        items = self._by_port[port] if port else self.order
        taken = list(items)
        if not port:
            for store in self._by_port.values():
                store.clear()
        items.clear()
        return taken
