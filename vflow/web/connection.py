"""One client and its session: the driver between a WebSocket, a protocol core and `vflow.Session`.

Tasks of one event loop: one reads, one tells, the others look at clocks. The first that ends, ends all.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable
from typing import Any, NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from vflow.errors import NodeError, VflowError
from vflow.packet import MS
from vflow.session.ends import SINK
from vflow.session.event_loop import in_thread
from vflow.session.events import (
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    StateChanged,
    TurnEnded,
    Warned,
)
from vflow.session.session import Session
from vflow.web.commands import (
    END,
    FAULT,
    LATER,
    LEAVING,
    MALFORMED,
    POLICY,
    TOO_LARGE,
    WRONG_KIND,
    Ask,
    Closing,
    Command,
    Cut,
    End,
    Interrupt,
    PlayedSoFar,
    Press,
    Release,
    Say,
    Set,
    Sound,
    Together,
)
from vflow.web.description import describe
from vflow.web.limits import Limits
from vflow.web.playback import Playback
from vflow.web.protocol import Core
from vflow.web.roster import Guest, Roster
from vflow.web.supply import Supply
from vflow.web.tasks import first_of
from vflow.web.wire import Wire

LOOK_S = 0.02
"""Between two looks at what has sounded by the clock."""
LEVELS_S = 0.25
BY_SERVER = {MALFORMED: "bad_message", TOO_LARGE: "too_large", FAULT: "no_pong"}
"""Closes that are not told by us but by the WebSocket's own library, by their codes."""
BUSY = ("processing", "speaking")
NO_TOKEN = "the token is missing or wrong; open the address that was printed"
BUSY_MODELS = "the models are busy with other sessions; try again later"
_ENDED = Closing(END, "end", "the session has ended")


class Connection:
    """Serves one client. `note` takes a line for the server's operator: nothing of what is said."""

    def __init__(
        self,
        socket: WebSocket,
        core: Core,
        supply: Supply,
        roster: Roster,
        note: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        self._core, self._supply, self._roster, self._note = core, supply, roster, note
        self._limits = limits or roster.limits
        self._wire = Wire(socket, self._limits)
        self._about: dict[str, Any] = {}
        self._playback = Playback(promised=False)
        self._sounding = asyncio.Event()
        self._ending = False
        self._reports = False
        """Whether the session's sink is told what was played."""

    async def serve(self, admitted: bool) -> None:
        """Serve the client until one of both leaves. `admitted` says whether it showed the token."""
        await self._wire.accept(self._core.subprotocol)
        try:
            if not admitted:
                raise Closing(POLICY, "token", NO_TOKEN)
            await self._begin()
            guest = self._roster.admit(self._core.name)
            try:
                await self._with_session(guest)
            finally:
                self._roster.leave(guest)
        except Closing as closing:
            await self._close(closing)
        except WebSocketDisconnect as gone:
            self._roster.count(BY_SERVER.get(await self._wire.code_of(gone), "left"))
        except WebSocketDisconnected:
            self._roster.count("left")

    # its beginning and end

    async def _begin(self) -> None:
        """Wait until the client has begun."""
        try:
            with self._roster.wait():
                async with asyncio.timeout(self._limits.start_s):
                    while self._core.start is None:
                        self._core.receive(await self._wire.receive())
        except TimeoutError:
            text = f"nothing was said for {self._limits.start_s:g} s; the first message is 'start'"
            raise Closing(POLICY, "no_start", text) from None

    async def _with_session(self, guest: Guest) -> None:
        try:
            agent = await self._supply.get()
            async with Session(agent) as session:
                try:
                    await self._converse(session, guest)
                except Closing as closing:  # told before the session's nodes are closed, which takes a moment
                    await self._close(closing)
        except (VflowError, RuntimeError, OSError) as error:
            if isinstance(error, Closing | WebSocketDisconnected):
                raise
            self._failed(guest, error)

    def _failed(self, guest: Guest, error: Exception) -> NoReturn:
        """Say on the server what failed, without what the error says: that may hold what a user said."""
        where = f"{error.node}: " if isinstance(error, NodeError) else ""
        cause = error.__cause__ if isinstance(error, NodeError) and error.__cause__ is not None else error
        if getattr(cause, "temporary", False):
            self._note(f"session {guest.id} could not be served: {where}{type(cause).__name__}")
            raise Closing(LATER, "busy", BUSY_MODELS) from error
        self._note(f"session {guest.id} failed: {where}{type(cause).__name__}")
        self._supply.renew()
        raise Closing(FAULT, "failed", "the agent failed; the server says where") from error

    async def _converse(self, session: Session, guest: Guest) -> None:
        """Raises: Closing, or WebSocketDisconnect."""
        assert self._core.start is not None
        rate = self._core.start.input_rate
        self._about = {"session": guest.id, "input_rate": rate, **describe(session.pipeline)}
        self._reports = any(
            node.resolved == SINK and node.values["pace"] == "played" for node in session.graph.nodes.values()
        )
        self._playback = Playback(self._core.start.played)
        self._core.meet(session)
        await self._wire.send(self._core.ready(self._about))
        guest.state = "idle"
        await first_of(
            self._read(session, rate),
            self._tell(session, guest),
            self._look(session),
            self._watch(session),
            self._leave_at_stop(guest),
        )

    async def _close(self, closing: Closing) -> None:
        self._roster.count(closing.code)
        words = [] if closing.code == "slow_reader" else self._core.leave(closing)
        await self._wire.close(words, closing)

    # from the client

    async def _read(self, session: Session, rate: int) -> None:
        while True:
            await self._take(session, self._core.receive(await self._wire.receive()), rate)

    async def _take(self, session: Session, command: Command, rate: int) -> None:
        if isinstance(command, Together):
            await self._wire.send(command.frames)
            for each in command.commands:
                await self._take(session, each, rate)
        elif isinstance(command, Sound):
            await self._hear(session, command, command.rate or rate)
        else:
            try:
                await self._obey(session, command)
            except Closing:
                raise
            except VflowError as error:
                node = command.node if isinstance(command, Set) else ""
                await self._wire.send(self._core.warn(node, str(error)))

    async def _hear(self, session: Session, sound: Sound, rate: int) -> None:
        """Hand audio in. While there is no room for it, nothing more is read from the socket."""
        self._wire.meter.audio(len(sound.pcm16), rate, asyncio.get_running_loop().time())
        if not self._about["audio"]:
            raise Closing(WRONG_KIND, "wrong_kind", "this agent takes no audio")
        if not self._ending:
            with contextlib.suppress(VflowError):  # it ends, of which the teller knows more
                await session.send(sound.pcm16, rate)

    async def _obey(self, session: Session, command: Command) -> None:
        """Raises: VflowError for what the agent cannot do."""
        if not isinstance(command, PlayedSoFar):
            self._wire.meter.command(asyncio.get_running_loop().time())
        match command:
            case PlayedSoFar(turn, seconds):
                heard_s = self._playback.report(turn, seconds, asyncio.get_running_loop().time())
                if heard_s is not None and self._reports:
                    session.played(heard_s, turn)
            case Ask(text):
                session.ask(text)
            case Say(text):
                session.say(text)
            case Press():
                session.press()
            case Release():
                session.release()
            case Interrupt():
                await in_thread(session.interrupt)  # which waits for the sink
            case Cut(turn):
                await in_thread(functools.partial(session.interrupt, turn))
            case Set(node, name, value):
                session.set(node, name, value)
            case End():
                self._ending = True
                session.end()

    # to the client

    async def _tell(self, session: Session, guest: Guest) -> None:
        try:
            async for event in session:
                await self._wire.send(self._core.tell(event))
                now = asyncio.get_running_loop().time()
                match event:
                    case ReplyAudio(turn, samples, rate):
                        self._playback.sent(turn, len(samples) / rate, now)
                        self._sounding.set()
                    case Interrupted(turn):
                        self._playback.cut(turn, now)
                    case ReplyHeld() | ReplyGoesOn():
                        self._playback.hold(isinstance(event, ReplyHeld), now)
                    case StateChanged(state):
                        guest.state = state
                    case TurnEnded(record):
                        guest.turns += 1
                        self._judge(session, record.latency_ns)
                    case Warned():
                        guest.warnings += 1
        except NodeError as error:
            self._failed(guest, error)
        raise _ENDED

    def _judge(self, session: Session, latency_ns: Callable[[str], int | None]) -> None:
        """Hold a turn against what the graph promises."""
        if (budget := session.graph.budget) is not None:
            took_ns = latency_ns("v2v" if budget.start == "voice_off" else "compute")
            if took_ns is not None:
                self._roster.turn_took(took_ns / MS, budget.limit_ns / MS)

    # by the clock

    async def _look(self, session: Session) -> None:
        """Tell the session what was heard by the clock, of a client that does not say so."""
        loop = asyncio.get_running_loop()
        while True:
            await self._sounding.wait()
            for turn, seconds in self._playback.heard(loop.time()):
                if self._reports:
                    session.played(seconds, turn)
            if not self._playback.sounding:
                self._sounding.clear()
            await asyncio.sleep(LOOK_S)

    async def _watch(self, session: Session) -> None:
        """Tell how full the links are, and look for a client that says nothing any more."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LEVELS_S)
            self._roster.load.look()
            if not self._wire.sending:
                await self._wire.send(self._core.levels(session.pipeline.levels()))
            since, idle_s = self._wire.listening_since, self._limits.idle_s
            if since is not None and loop.time() - since > idle_s:
                raise Closing(LEAVING, "idle", f"nothing came for {idle_s:g} s")

    async def _leave_at_stop(self, guest: Guest) -> None:
        """Once the server stops, let the reply that is spoken end, then leave."""
        await self._roster.stopping.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_s):
                while guest.state in BUSY:
                    await asyncio.sleep(LOOK_S)
        raise Closing(LEAVING, "stopping", "the server stops")
