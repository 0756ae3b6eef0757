"""Connect a graph's nodes with PortAudio, by one stream if one device both records and plays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vflow import Unavailable
from vflow_nodes.lib.portaudio.backend import Backend, Device, Direction
from vflow_nodes.lib.portaudio.device_lookup import settle
from vflow_nodes.lib.portaudio.stream import OpenStream

_BLOCK_S = 0.01
"""Longest time between a device's callbacks; a microphone with a shorter frame makes it shorter."""


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of a line: its user (a `Recorder` or a `Player`), and the stream that the user wants.

    `begin` is called with the stream's rate before the stream runs, each time that it is opened.
    """

    user: Any
    device: Device
    rate: int
    block_s: float
    latency_s: float
    begin: Callable[[int], None]
    warn: Callable[[str], None]


class Line:
    """The streams of one device. `ctx.shared` makes it, so that a microphone and a loudspeaker with the same
    device share it. Any thread may call; `start` and `detach` block, within deadlines."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        # all below guarded by _lock; only `check` reads without it
        self._sides: dict[Direction, Side] = {}
        self._running: dict[Direction, OpenStream] = {}

    @property
    def duplex(self) -> bool:
        """Whether one stream serves both directions; only tests ask."""
        running = list(self._running.values())
        return len(running) == 2 and running[0] is running[1]

    def attach(self, direction: Direction, side: Side) -> bool:
        """Take one direction. Return False if another user has it."""
        with self._lock:
            if direction in self._sides:
                return False
            self._sides[direction] = side
            return True

    def start(self, direction: Direction) -> None:
        """Start an attached direction, together with the other one if that is attached too.

        Raises: Unavailable.
        """
        with self._lock:
            running = self._running.get(direction)
            if running is not None and _runs(running):
                return
            if len(self._sides) == 2 and self._sides[direction].device.one_clock:
                self._start_both(direction)
            else:
                self._open(direction)

    def _start_both(self, direction: Direction) -> None:
        try:
            self._open(*self._sides)
        except Unavailable as error:
            text = f"microphone and loudspeaker get a stream each, one for both failed: {error}"
            self._sides[direction].warn(text)
            for way in self._sides:
                self._open(way)

    def _open(self, *directions: Direction) -> None:
        for running in {id(r): r for way in directions if (r := self._running.pop(way, None))}.values():
            self._stop(running, self._sides[directions[0]])
        sides = {way: self._sides[way] for way in directions}
        input, output = sides.get("input"), sides.get("output")
        rates = sorted({side.rate for side in sides.values()}, reverse=True)
        found, refusal = settle(
            self._backend,
            None if input is None else input.device,
            None if output is None else output.device,
            rates,
            min(side.latency_s for side in sides.values()),
        )
        block_s = min(side.block_s for side in sides.values())
        found = replace(found, frames=max(1, round(min(block_s, _BLOCK_S) * found.rate)))
        name = next(iter(sides.values())).device.name
        for side in sides.values():
            side.begin(found.rate)
        if refusal:
            text = f"{name} does not take {rates[0]} Hz ({refusal}): it runs at {found.rate} Hz"
            next(iter(sides.values())).warn(f"{text}, and what it records or plays is converted")
        running = OpenStream(
            self._backend,
            name,
            found,
            None if input is None else input.user,
            None if output is None else output.user,
        )
        running.start()
        for way in directions:
            self._running[way] = running

    def check(self, direction: Direction) -> None:
        """Check the stream. Raises: Unavailable if the device is gone."""
        running = self._running.get(direction)
        if running is not None:
            running.check()

    def ppm(self, direction: Direction) -> float:
        """Return by how many millionths the device's clock is too fast, as far as known."""
        running = self._running.get(direction)
        return 0.0 if running is None else running.clock.ppm

    def detach(self, direction: Direction) -> None:
        """Leave; the stream ends when its last user leaves. May be called again."""
        with self._lock:
            side = self._sides.pop(direction, None)
            running = self._running.pop(direction, None)
            if side is not None and running is not None and running not in self._running.values():
                self._stop(running, side)

    def _stop(self, running: OpenStream, side: Side) -> None:
        if trouble := running.stop():
            side.warn(trouble)


def _runs(running: OpenStream) -> bool:
    try:
        running.check()
    except Unavailable:
        return False
    return True
