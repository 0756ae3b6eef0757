"""Run nodes with a plain `process` that feed one another in one thread, as one loop.

If each called the next, every hop would cost a frame, a `try` and a check. The loop has one of each for all,
so a hop costs little more than a call written by hand. Which node did what is worked out only if a node
raises, or if a flush refuses the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from vflow.errors import Flushed, VflowError
from vflow.packet import Packet
from vflow.ports import Item

Push = Callable[[Any], None]
Process = Callable[[Any], Any]
Trail = tuple[Any, Process, Packet] | None
"""The packets made on the way, the last first: the earlier trail, the `process` that made it, the packet."""

_NOTHING = object()


class ChainRunner(Protocol):
    """The methods of a node's runner that a chain needs."""

    def failed(self, error: Exception) -> None:
        """Handle an error of the node, or a full link. Return only if the node's policy lets it go on."""

    def pass_on(self, emitted: Any, turn: int) -> None:
        """Send an emission of the node to its targets. Raises: Flushed."""

    def settle(self, push: Push, item: Item, turn: int) -> None:
        """Drop an emission that a flush refused, or push it again. Raises: Flushed, to unwind the callers."""


class Chain:
    """A node, followed by the chain of the next node if its output goes to one plain node only.

    `common` is the class of nearly everything that the nodes emit. Anything else (another class, several
    packets, nothing) leaves the loop; the runner passes it to the nodes that follow.
    """

    __slots__ = ("_common", "_driver", "_process", "_processes", "_push", "_stages")

    def __init__(
        self, driver: ChainRunner, process: Process, common: type[Packet] | None, push: Push
    ) -> None:
        self._common = common
        self._stages: tuple[tuple[ChainRunner, Process, Push], ...] = ((driver, process, push),)
        follower = getattr(push, "__self__", None)  # the next node's chain, if `push` is its entry
        if isinstance(follower, Chain) and follower._common is common:
            self._stages += follower._stages
        self._driver, self._process = driver, process
        self._processes = tuple(process for _, process, _ in self._stages)
        self._push = self._stages[-1][2]

    @property
    def entry(self) -> Push:
        """The function that takes a packet of the first node's input, in the segment's thread.

        It raises Flushed if a flush made stale both the packet and all work in this thread that led to it.
        """
        return self._deliver if len(self._stages) > 1 else self._deliver_alone

    def _deliver_alone(self, packet: Any) -> None:
        try:
            emitted = self._process(packet)
        except Exception as error:
            self._driver.failed(error)
            return
        if emitted.__class__ is self._common:
            try:
                self._push(emitted)
            except Flushed:
                self._unwind(None, packet, (None, self._process, emitted))
            except VflowError as error:  # a link is full and its policy is error, or it refuses the packet
                self._driver.failed(error)
        elif emitted is not None:
            self._driver.pass_on(emitted, packet.turn)

    def _deliver(self, packet: Any) -> None:
        common, entered = self._common, packet
        known = packet if packet.__class__ is common else _NOTHING  # of the right class: no check needed
        trail: Trail = None
        whole = False
        try:
            for process in self._processes:
                emitted = process(packet)
                if emitted is not known:  # else the node passed its packet on as it was
                    if emitted.__class__ is not common:
                        break
                    trail = (trail, process, emitted)
                    packet = known = emitted
            else:
                whole = True  # every node emitted one common packet
        except Exception as error:
            self._driver_of(process).failed(error)
            return
        except Flushed:  # raised by a node that waits in its `process`
            self._unwind(process, entered, trail)
            return
        try:
            if whole:
                self._push(packet)
            elif emitted is not None:
                self._driver_of(process).pass_on(emitted, packet.turn)
        except Flushed:
            self._unwind(None if whole else process, entered, trail)
        except VflowError as error:
            self._driver_of(process).failed(error)

    def _driver_of(self, process: Process) -> ChainRunner:
        return self._stages[self._processes.index(process)][0]

    def _unwind(self, process: Process | None, entered: Item, trail: Trail) -> None:
        """Handle a flush that ended `process`, or refused the last node's output. Ask the nodes before it,
        the nearest first, as if each had called the next."""
        made: dict[Process, Packet] = {}
        while trail is not None:
            trail, maker, packet = trail
            made[maker] = packet
        emitters = []
        for driver, stage, push in self._stages:
            if stage == process:
                break
            emitted = made.get(stage, entered)
            emitters.append((driver, push, emitted, emitted.turn or entered.turn))
            entered = emitted
        for driver, push, emitted, turn in reversed(emitters):
            try:
                driver.settle(push, emitted, turn)
                return
            except Flushed:
                continue
            except VflowError as error:
                driver.failed(error)
                return
        raise Flushed
