"""The property `fallback`: a node of the same role that answers in the place of a remote node."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, cast

from vflow import (
    SECOND,
    AudioPacket,
    Event,
    Flush,
    In,
    Node,
    Out,
    Packet,
    Samples,
    SpeechEnd,
    SpeechStart,
    Unavailable,
    VflowError,
    node_class,
)
from vflow_nodes.lib.remote.faults import RemoteError

REST_NS = 30 * SECOND
"""How long not to ask an endpoint after it failed: else each turn would wait for it first."""
EXAMPLE = "write it as fallback: {use: chat, model: smollm2}"


class Fallback:
    """Runs a node in the place of `host`, in the host's thread and with its context and history."""

    def __init__(self, host: Node, values: Mapping[str, object]) -> None:
        """`values` has `use`, and the properties of that node. Raises: Unavailable, with what mends it."""
        self.host, self.answered = host, 0
        self._rests_until_ns = 0
        properties = dict(values)
        use = properties.pop("use", None)
        if not isinstance(use, str):
            raise Unavailable(f"'fallback' names no node; {EXAMPLE}")
        self.use = use
        try:
            self.node = node_class(self.use)(**properties)
            self._require_ports()
        except VflowError as error:
            raise Unavailable(f"fallback: {self.use}: {error}") from None

    def _require_ports(self) -> None:
        """Check the node's ports. Raises: Unavailable if it lacks some of the host's."""
        host, node = type(self.host), type(self.node)
        for name in dir(host):
            port, own = getattr(host, name, None), getattr(node, name, None)
            if not isinstance(port, In | Out) or (isinstance(port, In) and port.optional):
                continue
            if type(own) is not type(port):
                kind = "output" if isinstance(port, Out) else "input"
                raise Unavailable(f"it has no {kind} {name!r}; name a node of the same role")
            if isinstance(port, Out) and (made := self.node.port_caps(name)) != self.host.port_caps(name):
                raise Unavailable(f"it makes {made}, and not {self.host.port_caps(name)}; name another")

    def open(self) -> None:
        """Open the node. Raises: Unavailable."""
        self.answered = self._rests_until_ns = 0
        self.node.ctx = cast(Any, _Context(self.host.ctx))
        self._try(self.node.open)

    def warm_up(self) -> None:
        """Warm up the node. Raises: Unavailable."""
        self._try(self.node.warm_up)

    def _try(self, method: Any) -> None:
        try:
            method()
        except Unavailable as error:
            raise Unavailable(f"fallback: {error}") from error

    def close(self) -> dict[str, Any]:
        """Close the node, and return its figures."""
        self.node.close()
        figures = self.node.ctx.figures if isinstance(self.node.ctx, _Context) else {}
        return {"use": self.use, "answered": self.answered, **figures}

    @property
    def on_duty(self) -> bool:
        """Whether the endpoint failed so recently that it is not asked."""
        return self.host.ctx.now_ns() < self._rests_until_ns

    def relieve(self, error: RemoteError, begins: str = "") -> None:
        """Warn that the endpoint has failed, and be on duty for a while. `begins` names the failed work."""
        self._rests_until_ns = self.host.ctx.now_ns() + REST_NS
        since = f", from {begins} on" if begins else ""
        self.host.ctx.warn(f"the fallback {self.use} takes over for {REST_NS // SECOND} s{since}: {error}")

    def on_flush(self, flush: Flush) -> None:
        self.node.on_flush(flush)

    def on_cancel(self, flush: Flush) -> None:
        self.node.on_cancel(flush)

    async def take(self, *items: tuple[str, Packet] | Event) -> AsyncGenerator[Any, None]:
        """Give packets, each with its port, and events to the node. Yield its emissions as the host's."""
        self.answered += 1
        for item in items:
            if isinstance(item, Event):
                output = self.node.on_event(item)
            else:
                port, packet = item
                output = getattr(self.node, f"process_{port}", self.node.process)(packet)
            async with aclosing(self._emissions(output)) as emissions:
                async for emitted in emissions:
                    yield emitted

    async def on_timer(self) -> AsyncGenerator[Any, None]:
        """Call the node's timer, for a summary for example. Yield its emissions as the host's."""
        async with aclosing(self._emissions(self.node.on_timer())) as emissions:
            async for emitted in emissions:
                yield emitted

    async def _emissions(self, output: Any) -> AsyncGenerator[Any, None]:
        """Yield the emissions of one of the node's methods, on the host's ports."""
        async with aclosing(_each(output)) as emissions:
            async for emitted in emissions:
                if isinstance(emitted, tuple):
                    yield getattr(self.host, emitted[0].name), emitted[1]
                else:
                    yield emitted


class _Context:
    """The host's context as the node in its place sees it; its counts go to the host."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self.figures: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def post(self, kind: str, text: str = "", **data: Any) -> None:
        if kind == "stats":
            self.figures = data
        else:
            self._ctx.post(kind, text, **data)


async def _each(output: Any) -> AsyncGenerator[Any, None]:
    """Yield each emission in the result of a node's method. Leaving closes it."""
    if inspect.isawaitable(output):
        output = await output
    if output is None:
        return
    addressed = isinstance(output, tuple) and len(output) == 2 and isinstance(output[0], Out)
    if hasattr(output, "__anext__"):
        async with aclosing(output) as emissions:
            async for emitted in emissions:
                yield emitted
    elif addressed or not isinstance(output, Iterable):
        yield output
    else:
        try:
            for emitted in output:
                yield emitted
        finally:
            if (close := getattr(output, "close", None)) is not None:
                close()


def utterance(samples: Samples, rate: int, turn: int, end_ns: int) -> list[tuple[str, Packet] | Event]:
    """Return an utterance as packets and events for a node that hears; `samples`: `(frames,) float32`."""
    begins_ns = max(0, end_ns - len(samples) * SECOND // rate)
    packets = [
        AudioPacket(
            data=samples[at : at + rate, None],
            rate=rate,
            turn=turn,
            pts_ns=begins_ns + at * SECOND // rate,
        )
        for at in range(0, len(samples), rate)
    ]
    start, end = SpeechStart(turn=turn, pts_ns=begins_ns), SpeechEnd(turn=turn, pts_ns=end_ns)
    return [start, *(("audio", packet) for packet in packets), end]
