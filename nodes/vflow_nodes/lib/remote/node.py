"""The base of the nodes that ask an OpenAI-compatible endpoint: properties, a first check, counts."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from vflow import SECOND, Duration, Flush, Node, Unavailable, install_command, prop
from vflow_nodes.lib.remote.endpoint import OPENAI, endpoint
from vflow_nodes.lib.remote.fallback import Fallback
from vflow_nodes.lib.remote.faults import RemoteError

if TYPE_CHECKING:
    from vflow_nodes.lib.remote.client import RemoteClient

LOOK_S = 3.0
"""Longest wait for the list of models; a slower server is used without it."""
_NAMED = 5
"""Most models that a warning names."""


class RemoteNode(Node):
    """A node whose model runs behind an OpenAI-compatible endpoint. From `open` on, `client` asks it.

    A graph gets it only by its name, since its input leaves the machine.
    """

    heavy = True
    rank = -10

    needs: ClassVar[tuple[str, ...]] = ("httpx2",)
    """The modules that it imports, of the extra `remote`."""

    base_url: str = prop(OPENAI, doc="the endpoint's address; usually ends with /v1")
    model: str = prop(doc="the model's name there")
    key_env: str | None = prop(
        None,
        doc="environment variable of the key; OPENAI_API_KEY for api.openai.com, none for other hosts",
    )
    patience: Duration = prop("20s", ge="100ms", le="10min", doc="wait for the first byte of an answer")
    gap: Duration = prop("10s", ge="100ms", le="10min", doc="wait between two parts of an answer")
    retries: int = prop(
        2,
        ge=0,
        le=10,
        doc="more tries after a failure that may pass (429, 5xx, no connection), before the first byte",
    )

    fallback: dict[str, object] = prop(
        {},
        doc="a node of the same role, with its properties, that answers if the endpoint fails; it is loaded"
        " at the start",
    )

    def __init__(self, **values: Any) -> None:
        """Store the properties. Raises: Unavailable if `fallback` cannot take the node's place."""
        super().__init__(**values)
        self.spare = Fallback(self, self.fallback) if self.fallback else None

    @classmethod
    def unavailable(cls) -> str:
        missing = [module for module in cls.needs if importlib.util.find_spec(module) is None]
        return f"{' and '.join(missing)} not installed: {install_command('remote')}" if missing else ""

    def open(self) -> None:
        """Find the endpoint and its key. Raises: Unavailable."""
        if problem := self.unavailable():
            raise Unavailable(problem)
        self.client = self._client(self.patience / SECOND, self.retries)
        if self.spare is not None:
            self.spare.open()

    def _client(
        self, first_s: float, retries: int, busy: Callable[[], AbstractContextManager[None]] | None = None
    ) -> RemoteClient:
        from vflow_nodes.lib.remote import client  # it loads httpx2

        found = endpoint(self.base_url, self.key_env)
        patience = client.Patience(first_s=first_s, gap_s=self.gap / SECOND, retries=retries)
        return client.RemoteClient(found, patience, busy or self.ctx.busy)

    def offers(self) -> list[str]:
        """Return the server's models as lines for `vflow inspect`; no context needed. Blocks.

        Raises: Unavailable, with what mends it.
        """
        if problem := self.unavailable():
            raise Unavailable(problem)
        client = self._client(self.patience / SECOND, self.retries, nullcontext)
        try:
            return asyncio.run(self._offers(client))
        except RemoteError as error:
            raise Unavailable(str(error)) from None

    async def _offers(self, client: RemoteClient) -> list[str]:
        """Ask for the list that `offers` returns. Raises: RemoteError."""
        place, hide = client.endpoint.place, client.endpoint.hide
        names = [hide(name) for name in listed(await client.whole("GET", "models"), "data")]
        return [f"models at {place}:" if names else f"models at {place}: none", *(f"  {n}" for n in names)]

    def warm_up(self) -> None:
        """Ask for the list of models, so that a server that cannot be reached, or refuses the key, is
        reported before anything is said. Raises: Unavailable, unless a fallback can take its place."""
        if self.spare is not None:
            self.spare.warm_up()
        self.ctx.progress(f"asking {self.client.endpoint.place} for its models")
        try:
            names = asyncio.run(self._models())
        except RemoteError as error:
            if error.kind and self.spare is not None:
                self.spare.relieve(error)
            elif error.kind:
                raise Unavailable(str(error)) from None
            return  # some servers have no such list; the first request will show
        if names and not any(_is(self.model, name) for name in names):
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            place = self.client.endpoint.place
            self.ctx.warn(f"{place} lists no model {self.model!r}; it has {', '.join(names[:_NAMED])}{more}")

    async def _models(self) -> list[str]:
        found = await self._client(LOOK_S, 0).whole("GET", "models")
        return [self.client.endpoint.hide(name) for name in listed(found, "data")]

    def close(self) -> None:
        client = self.__dict__.pop("client", None)
        if client is not None:
            fallback = {"fallback": self.spare.close()} if self.spare is not None else {}
            counts = client.counts
            self.ctx.post(
                "stats", "remote model", endpoint=client.endpoint.place, model=self.model,
                requests=counts.requests, retries=counts.retries, failed=counts.failed,
                ended_early=counts.ended_early, **self.usage(), **fallback,
            )  # fmt: skip

    def fail(self, turn: int, text: str) -> None:
        """Warn that a turn has failed; the next one is tried."""
        self.ctx.post("warning", text, failed_turn=turn)

    async def on_timer(self) -> AsyncGenerator[Any, None]:
        """Pass the timer on to the fallback: only that sets it."""
        if self.spare is not None:
            async with aclosing(self.spare.on_timer()) as emissions:
                async for emitted in emissions:
                    yield emitted

    def on_flush(self, flush: Flush) -> None:
        super().on_flush(flush)
        if self.spare is not None:
            self.spare.on_flush(flush)

    def on_cancel(self, flush: Flush) -> None:
        super().on_cancel(flush)
        if self.spare is not None:
            self.spare.on_cancel(flush)

    def usage(self) -> dict[str, Any]:
        """Return more figures for the stats."""
        return {}


def listed(found: Mapping[str, Any], key: str) -> list[str]:
    """Return the names in a server's list: texts, or objects with an id or a name. Skip anything else."""
    entries, names = found.get(key), []
    for entry in entries if isinstance(entries, list) else []:
        name = entry.get("id") or entry.get("name") if isinstance(entry, dict) else entry
        if isinstance(name, str) and name:
            names.append(name)
    return names


def _is(model: str, listed: str) -> bool:
    """Tell whether a name in a list means that model: Ollama adds a tag, Gemini a folder."""
    return listed == model or listed.startswith(f"{model}:") or listed.endswith(f"/{model}")
