"""Load the agent once, for all sessions."""

from __future__ import annotations

import asyncio
from typing import Any

from vflow.errors import VflowError, describe
from vflow.session.ends import SINK, SOURCE
from vflow.session.event_loop import in_thread
from vflow.session.preloaded import Loadable, Preloaded, preload
from vflow.web.capacity import measured
from vflow.web.drawing import drawing_of

RATE = 16_000
"""Rate of the audio that models hear, in Hz."""
AHEAD = "400ms"
"""Most reply audio that is sent ahead of the client's playback."""
MIC_BUFFER = "2s"
"""Most audio of a client that waits for the graph; more waits in its socket."""


def serving_options() -> dict[str, Any]:
    """Return the options of `preload` that put a client in the place of microphone and loudspeaker."""
    return {
        "pace": "played",
        "stand_ins": {
            "mic": (SOURCE, {"rate": RATE, "buffer": MIC_BUFFER}),
            "speaker": (SINK, {"pace": "played", "buffer": AHEAD}),
        },
    }


class Supply:
    """Loads a graph when it is first needed. For one event loop; `get` and `close` wait for a thread."""

    def __init__(self, graph: Loadable | Preloaded, options: dict[str, Any] | None = None) -> None:
        self._graph, self._options = graph, options or {}
        self._own = not isinstance(graph, Preloaded)
        self._agent: Preloaded | None = graph if isinstance(graph, Preloaded) else None
        self._loading = asyncio.Lock()
        self._tried = False
        self.room: int | None = None
        """How many sessions keep the promised latency, estimated from one turn; None if not known."""
        self.problem = "" if self._agent is not None else "the models are not loaded yet"
        """Why no session can begin; '' if one can."""
        self.drawing: dict[str, Any] | None = None
        """The graph's drawing for pages; None if it is too large, or not loaded yet."""
        self._drawn = False

    async def get(self) -> Preloaded:
        """Return the agent; load it if it is not. Raises: VflowError if that fails; the next call tries
        again."""
        async with self._loading:
            if self._agent is None:
                self.problem = "the models are being loaded"
                try:
                    await in_thread(self._load)
                except VflowError as error:
                    self.problem = describe(error)
                    raise
            agent = self._agent
            assert agent is not None
            if not self._tried:
                await in_thread(lambda: self.put(agent, measured(agent), self._own))
            if not self._drawn:
                await in_thread(self._draw)
            self.problem = ""
            return agent

    def _draw(self) -> None:
        assert self._agent is not None
        self.drawing, self._drawn = drawing_of(self._agent.graph), True

    def put(self, agent: Preloaded, room: int | None, own: bool = False) -> None:
        """Take an agent that is already loaded, and how many sessions it has room for by `measured`. Close it
        at the end only if it is `own`."""
        self._agent, self._own, self.problem = agent, own, ""
        self.room, self._tried = room, True

    def hide(self, text: str) -> str:
        """Return a text without what the graph has from the environment."""
        return text if self._agent is None else self._agent.graph.secrets.hide(text)

    def renew(self) -> None:
        """Open new nodes for the next session: after a failure those now open may share its cause. Does not
        block."""
        if self._agent is not None:
            self._agent.renew()

    async def close(self) -> None:
        """Close the agent if this loaded it; sessions that run go on."""
        async with self._loading:
            agent, self._agent = self._agent, None
            if agent is not None and self._own:
                self.problem = "the agent is closed"
                await in_thread(agent.close)

    def _load(self) -> None:
        assert not isinstance(self._graph, Preloaded)
        self._agent = preload(self._graph, **self._options)
