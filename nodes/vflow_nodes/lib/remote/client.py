"""One client for OpenAI-compatible endpoints. It is the border to httpx2; nodes import it in `open`.

Source: https://platform.openai.com/docs/api-reference. httpx2 has pooled connections, cancellation and
bounded server-sent events, and comes with huggingface_hub. The package `openai` has the same, but brings ten
more packages and follows redirects.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from vflow_nodes.lib.remote import faults
from vflow_nodes.lib.remote.endpoint import Endpoint
from vflow_nodes.lib.remote.faults import RemoteError

T = TypeVar("T")
LARGEST = 4_000_000
"""Most bytes of an answer that is read whole: transcripts, and errors."""
EVENT = 1_000_000
"""Most bytes of one event of a stream."""
BACKOFF_S = 0.25
"""The first wait between two tries, if the server names none; each later one is twice as long."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take, in seconds: to connect, to the first byte of the answer, and between two
    of its events; how often it is tried again before that byte, and the longest wait between tries."""

    connect_s: float = 5.0
    first_s: float = 20.0
    gap_s: float = 10.0
    retries: int = 2
    longest_wait_s: float = 8.0


@dataclass(slots=True)
class Counts:
    """Counts of the requests to an endpoint since the node was opened."""

    requests: int = 0
    retries: int = 0
    failed: int = 0
    ended_early: int = 0


class RemoteClient:
    """Asks one endpoint, in one event loop at a time. Connections are kept for the next request, and closed
    with the loop. `busy` is entered while it waits for the network. It follows no redirect."""

    def __init__(
        self, endpoint: Endpoint, patience: Patience, busy: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.endpoint, self.patience, self.counts = endpoint, patience, Counts()
        self._busy = busy
        # made here, since it takes 20 ms; for http, one that trusts nobody
        secure = endpoint.url.startswith("https:")
        self._tls = httpx2.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._kept: tuple[asyncio.AbstractEventLoop, httpx2.AsyncClient, asyncio.Task[None]] | None = None

    def beside(self) -> RemoteClient:
        """Return another client for the same endpoint, with the same counts, whose requests hold no clock."""
        other = RemoteClient(self.endpoint, self.patience, nullcontext)
        other.counts = self.counts
        return other

    async def events(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the JSON of each event of a streamed answer. If the server does not stream, the whole answer
        is one event. Raises: RemoteError."""
        async with self._answer("POST", path, str(body.get("model", "")), **_as_json(body)) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/json":
                yield self._object(await self._whole(response), path)
                return
            if kind == "text/html":
                raise self._no_answer(path, "a web page")
            response.headers["content-type"] = "text/event-stream"  # some servers that stream omit it
            found, done = False, False
            source = httpx2.EventSource(response, max_event_size=EVENT)
            async with aclosing(source.__aiter__()) as events:  # type: ignore[type-var]  # it is a generator
                while not done and (event := await self._next(events, first=not found)) is not None:
                    done = event.data.strip() == "[DONE]"
                    if event.data and not done:
                        found = True
                        yield self._object(event.data.encode(), path)
            if not found and response.num_bytes_downloaded == 0:  # llama-cpp-python, for one, hides errors so
                raise RemoteError(
                    f"{self.endpoint.place} ended its answer before it began: its model may have failed, or "
                    "the conversation be longer than its context; look into its log, or set 'context' lower"
                )
            if not found:
                raise self._no_answer(path, "no event")

    async def data(self, path: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of an answer as they come. Raises: RemoteError."""
        async with self._answer("POST", path, str(body.get("model", "")), **_as_json(body)) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind in ("application/json", "text/html", "text/event-stream"):
                said = faults.message_in(await self._whole(response))
                raise self._no_answer(path, f"{kind} ({self.endpoint.hide(said)})" if said else kind)
            first = True
            async with aclosing(response.aiter_bytes()) as chunks:
                while (chunk := await self._next(chunks, first)) is not None:
                    first = False
                    yield chunk

    async def whole(self, method: str, path: str, model: str = "", **content: Any) -> dict[str, Any]:
        """Return the JSON of a whole answer; `content` as httpx2 takes it. Raises: RemoteError."""
        async with self._answer(method, path, model, **content) as response:
            return self._object(await self._whole(response), path)

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, model: str, **content: Any
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request, again if that may help, and yield its answer. Leaving closes it at once."""
        self.counts.requests += 1
        complete = False
        response = await self._sent(method, path, model, content)
        try:
            yield response
            complete = True
        except RemoteError:
            complete = True
            self.counts.failed += 1
            raise
        finally:
            self.counts.ended_early += not complete
            await response.aclose()

    async def _sent(self, method: str, path: str, model: str, content: dict[str, Any]) -> httpx2.Response:
        tries = 0
        while True:
            try:
                return await self._try(method, path, model, content)
            except RemoteError as error:
                wait_s = (
                    BACKOFF_S * 2**tries * random.uniform(0.8, 1.2) if error.wait_s is None else error.wait_s
                )
                if not error.retry or tries >= self.patience.retries or wait_s > self.patience.longest_wait_s:
                    self.counts.failed += 1
                    raise
            tries += 1
            self.counts.retries += 1
            with self._busy():
                await asyncio.sleep(wait_s)

    async def _try(self, method: str, path: str, model: str, content: dict[str, Any]) -> httpx2.Response:
        client, content = self._client(), dict(content)
        headers = {"Accept-Encoding": "identity", **content.pop("headers", {})}
        if self.endpoint.key:
            headers["Authorization"] = f"Bearer {self.endpoint.key}"
        try:
            request = client.build_request(method, f"{self.endpoint.url}/{path}", headers=headers, **content)
        except httpx2.InvalidURL as error:
            raise RemoteError(f"'base_url' is no URL: {error}", kind="unreached") from None
        with self._busy():
            try:
                async with asyncio.timeout(self.patience.first_s):
                    response = await client.send(request, stream=True)
            except TimeoutError:
                raise self._slow(self.patience.first_s, "patience") from None
            except httpx2.HTTPError as error:
                raise self._unreached(error) from None
        if response.is_success:
            return response
        try:
            body = await self._whole(response)
        except RemoteError:
            body = b""
        finally:
            await response.aclose()
        path = request.url.path
        raise faults.of_status(self.endpoint, path, model, response.status_code, response.headers, body)

    async def _next(self, items: AsyncIterator[T], first: bool = False) -> T | None:
        """Return the next item within its deadline; None at the end. Raises: RemoteError."""
        name, place = "patience" if first else "gap", self.endpoint.place
        longest_s = self.patience.first_s if first else self.patience.gap_s
        with self._busy():
            try:
                async with asyncio.timeout(longest_s):
                    return await anext(items, None)
            except TimeoutError:
                raise self._slow(longest_s, name) from None
            except httpx2.SSEError as error:
                raise RemoteError(f"{place} sends a stream that is none: {error}") from None
            except httpx2.HTTPError:
                raise RemoteError(
                    f"{place} closed the connection within its answer; look into its log"
                ) from None

    async def _whole(self, response: httpx2.Response) -> bytes:
        """Return an answer's bytes, up to LARGEST. Raises: RemoteError."""
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self.patience.first_s), aclosing(response.aiter_bytes()) as chunks:
                while sum(map(len, parts)) <= LARGEST and (chunk := await self._next(chunks)) is not None:
                    parts.append(chunk)
        except TimeoutError:  # the answer comes too slowly
            raise self._slow(self.patience.first_s, "patience") from None
        return b"".join(parts)[:LARGEST]

    def _object(self, text: bytes, path: str) -> dict[str, Any]:
        """Parse a JSON object. Raises: RemoteError if it is none, or reports an error."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise self._no_answer(path, "what is no JSON") from None
        if not isinstance(found, dict):
            raise self._no_answer(path, "JSON of another kind")
        if found.get("error"):
            said = self.endpoint.hide(faults.message_of(found))
            raise RemoteError(f"{self.endpoint.place} failed{f': {said}' if said else ''}")
        return found

    def _no_answer(self, path: str, sent: str) -> RemoteError:
        mend = faults.address_mend(self.endpoint)
        return RemoteError(
            f"{self.endpoint.place} sent {sent} for {path}; is it an OpenAI-compatible server? {mend}"
        )

    def _slow(self, longest_s: float, name: str) -> RemoteError:
        return RemoteError(
            f"{self.endpoint.place} sent nothing whole for {longest_s:g} s; it may be loading; "
            f"a longer {name!r} waits for it"
        )

    def _unreached(self, error: httpx2.HTTPError) -> RemoteError:
        place = self.endpoint.place
        if faults.of_certificate(error):
            return RemoteError(
                f"the certificate of {place} is not trusted ({faults.reason(error)}); name the file of its "
                "authority in SSL_CERT_FILE",
                kind="unreached",
            )
        if isinstance(error, httpx2.ConnectTimeout):
            wait_s = self.patience.connect_s
            return RemoteError(
                f"{place} cannot be reached within {wait_s:g} s; is it running, and 'base_url' right?",
                kind="unreached",
            )
        if isinstance(error, httpx2.ConnectError):
            return RemoteError(
                f"{place} cannot be reached ({faults.reason(error)}); is it running, and 'base_url' right?",
                retry=True,
                kind="unreached",
            )
        return RemoteError(f"{place} closed the connection without an answer; look into its log", retry=True)

    def _client(self) -> httpx2.AsyncClient:
        """Return the connections of the running loop. A task closes them when the loop, at its end, cancels
        it."""
        loop = asyncio.get_running_loop()
        if self._kept is None or self._kept[0] is not loop:
            patience = self.patience
            timeout = httpx2.Timeout(None, connect=patience.connect_s, write=patience.first_s)
            # a proxy from the environment cannot reach servers on this machine
            mounts = {"http://": None, "https://": None} if self.endpoint.local else None
            client = httpx2.AsyncClient(
                verify=self._tls, timeout=timeout, follow_redirects=False, mounts=mounts
            )
            self._kept = loop, client, loop.create_task(_close_with_loop(client))
        return self._kept[1]


def _as_json(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body in httpx2's form. Half a character, as a terminal may send, becomes a question mark."""
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return {"content": content, "headers": {"Content-Type": "application/json"}}


async def _close_with_loop(client: httpx2.AsyncClient) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await client.aclose()
