"""Serve the page of `vflow run --watch` on loopback, in a thread that the run never waits for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self

import uvicorn
from uvicorn.lifespan.off import LifespanOff

from vflow.errors import VflowError
from vflow.live.feed import Feed
from vflow.live.watching import LIMITS, build
from vflow.web.doors import Doors, new_token
from vflow.web.server import Place, bind, configure

HOST = "127.0.0.1"
UNKNOWN = "the request's Host must be 127.0.0.1 or localhost: the page of a run is for this machine"
END_S = 1.5
"""Longest wait, at the end of a run, for its pages to be closed."""


class WatchServer:
    """Serves the page of one run inside the context. `url` holds the token in its fragment."""

    def __init__(self, feed: Feed, port: int = 0, token: str | None = None) -> None:
        """Raises: VflowError if the port cannot be had."""
        place = Place(HOST, port)
        self._bound = bind(place, "--watch PORT")
        token = new_token() if token is None else token
        config = configure(build(feed, Doors(token, unknown=UNKNOWN)), place, LIMITS.message_bytes)
        config.lifespan_class = LifespanOff
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="vflow:watch", daemon=True)
        self.url = f"http://{HOST}:{self._bound.getsockname()[1]}/#token={token}"
        self.failure: str = ""

    def __enter__(self) -> Self:
        self._bound.listen()  # so that a page that comes before the server runs waits, and is not refused
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(END_S)
        self._bound.close()

    def _serve(self) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run(self._server.serve(sockets=[self._bound]))
        except (OSError, VflowError, SystemExit) as error:  # uvicorn exits if it cannot start
            self.failure = str(error)
