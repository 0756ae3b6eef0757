"""Serve one client: join its WebSocket, its protocol core and its `vflow.Session`.

One task reads, one tells of the session's events, others look at clocks; when one ends, all are cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnected

from vflow.errors import NodeError, VflowError
from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    StateChanged,
    TurnEnded,
    Warned,
)
from vflow.session.session import Session
from vflow.web import by_clock
from vflow.web.absence import standing_still
from vflow.web.commands import (
    END,
    FAULT,
    LATER,
    LEAVING,
    POLICY,
    WRONG_KIND,
    Closing,
    Command,
    End,
    PlayedSoFar,
    Resume,
    Set,
    Sound,
    Together,
)
from vflow.web.description import describe, is_reported
from vflow.web.first import first
from vflow.web.limits import Limits
from vflow.web.line import COMES_BACK, GONE, Gone, Line
from vflow.web.orders import obey
from vflow.web.playback import Playback
from vflow.web.protocol import Core, Frame
from vflow.web.roster import Guest, Roster
from vflow.web.supply import Supply
from vflow.web.wire import Wire

LEVELS_S = 0.25
NO_TOKEN = "the token is missing or wrong; open the address that was printed"
BUSY_MODELS = "the models are busy with other sessions; try again later"


class Connection:
    """Serves one client. `note` prints a line for the server's operator. `resume_for_s` is how long to wait
    for a client whose connection was lost; 0 if its protocol cannot resume."""

    def __init__(
        self,
        socket: WebSocket,
        core: Core,
        supply: Supply,
        roster: Roster,
        note: Callable[[str], None],
        resume_for_s: float = 0.0,
        limits: Limits | None = None,
    ) -> None:
        self._core, self._supply, self._roster, self._note = core, supply, roster, note
        self._limits = limits or roster.limits
        self._line = Line(Wire(socket, self._limits), core.name, resume_for_s)
        self._about: dict[str, Any] = {}
        self._playback = Playback(promised=False)
        self._sounding = asyncio.Event()
        self._ending = False
        self._reports = False
        """Whether the session's sink takes reports of what was played."""

    async def serve(self, admitted: bool) -> None:
        """Serve the client until it or the session ends. `admitted` says whether it showed the token."""
        await self._wire.accept(self._core.subprotocol)
        try:
            if not admitted:
                raise Closing(POLICY, "token", NO_TOKEN)
            if (resume := await self._begin()) is not None:
                line = self._roster.lines.find(resume, self._core.name)
                await line.come_back(self._wire, resume.received)
                return
            guest = self._roster.admit(self._core.name)
            try:
                await self._with_session(guest)
            finally:
                self._roster.leave(guest)
        except GONE as gone:
            await self._part(gone)
        except Gone:
            pass  # already counted when the connection was lost

    @property
    def _wire(self) -> Wire:
        """The current WebSocket; another one after the client has come back."""
        return self._line.wire

    # its beginning and end

    async def _begin(self) -> Resume | None:
        """Wait for the client's first message; return it if it is `Resume`. Raises: Closing if none comes."""
        try:
            with self._roster.wait():
                async with asyncio.timeout(self._limits.start_s):
                    while self._core.start is None:
                        command = self._core.receive(await self._wire.receive())
                        if isinstance(command, Resume):
                            return command
            return None
        except TimeoutError:
            text = f"no message came within {self._limits.start_s:g} s; send 'start' first"
            raise Closing(POLICY, "no_start", text) from None

    async def _with_session(self, guest: Guest) -> None:
        try:
            agent = await self._supply.get()
            async with Session(agent) as session:
                with self._roster.lines.holding(guest.id, self._line):
                    try:
                        await self._stay(session, guest)
                    except Closing as closing:  # tell it now: closing the session takes a moment
                        await self._part(closing)
        except (VflowError, RuntimeError, OSError) as error:
            if isinstance(error, Closing | WebSocketDisconnected):
                raise
            self._failed(guest, error)

    def _failed(self, guest: Guest, error: Exception) -> NoReturn:
        """Note the kind of error and its node on the server, and close. The error's text is left out: it may
        hold words of a user."""
        where = f"{error.node}: " if isinstance(error, NodeError) else ""
        cause = error.__cause__ if isinstance(error, NodeError) and error.__cause__ is not None else error
        if getattr(cause, "temporary", False):
            self._note(f"session {guest.id} could not be served: {where}{type(cause).__name__}")
            raise Closing(LATER, "busy", BUSY_MODELS) from error
        self._roster.failed(guest, getattr(error, "node", ""), type(cause).__name__)
        self._note(f"session {guest.id} failed: {where}{type(cause).__name__}")
        self._supply.renew()
        raise Closing(FAULT, "failed", "the agent failed; the server says where") from error

    async def _stay(self, session: Session, guest: Guest) -> None:
        """Converse until the session ends. If the connection is lost, wait for the client and go on. Raises:
        Closing or WebSocketDisconnect at the end."""
        assert self._core.start is not None
        rate = self._core.start.input_rate
        about = {"session": guest.id, "input_rate": rate, **self._line.about}
        self._about = {**about, **describe(session.pipeline)}
        self._about["graph"]["drawing"] = self._supply.drawing
        self._reports = is_reported(session.graph)
        self._playback = Playback(self._core.start.played)
        self._roster.begun(guest, session.pipeline, session.log)
        self._core.meet(session)
        while True:
            try:
                await self._converse(session, guest, rate)
            except GONE as gone:
                word = await self._line.word_of(gone)
                if word not in COMES_BACK or not self._line.resume_for_s:
                    raise
                self._roster.count(word)
                if isinstance(gone, Closing):
                    self._line.retire(gone, self._core.leave(gone) if word == "replaced" else [])
                await self._wait(session, guest)
            self._line.switch()
            self._roster.tally.resumed += 1

    async def _converse(self, session: Session, guest: Guest, rate: int) -> None:
        """Greet the client, then run the tasks until one ends. Raises: Closing, or WebSocketDisconnect."""
        await self._wire.send(self._core.ready({**self._about, "received": self._line.received}))
        await first(
            self._line.catch_up_and_wait(),
            self._read(session, rate),
            self._tell(session, guest),
            by_clock.report(session, self._playback, self._sounding, self._reports),
            self._watch(session),
            self._roster.stopped(guest),
            self._line.give_way(),
        )

    async def _wait(self, session: Session, guest: Guest) -> None:
        """Pause the session until the client comes back. Raises: Gone if it does not; Closing."""
        with standing_still(session, self._playback, guest):
            try:
                async with asyncio.timeout(self._line.resume_for_s):
                    await first(self._line.wait(), self._roster.stopped(guest))
            except TimeoutError:
                raise Gone from None

    async def _part(self, gone: Exception) -> None:
        """Count the end of the connection; if it is still open, tell the client the reason and close it."""
        self._roster.count(word := await self._line.word_of(gone))
        if isinstance(gone, Closing):
            await self._wire.close([] if word == "slow_reader" else self._core.leave(gone), gone)

    # from the client

    async def _read(self, session: Session, rate: int) -> None:
        while True:
            refused = await self._take(session, self._core.receive(await self._wire.receive()), rate)
            self._line.received += 1  # done: a client that comes back need not send it again
            if refused:
                await self._line.send(refused)

    async def _take(self, session: Session, command: Command, rate: int) -> list[Frame]:
        """Carry out a command; return the frames that tell the client of a refusal, if any."""
        if isinstance(command, Together):
            await self._line.send(command.frames)
            for each in command.commands:
                await self._line.send(await self._take(session, each, rate))
            return []
        if isinstance(command, Sound):
            await self._hear(session, command, command.rate or rate)
            return []
        try:
            if isinstance(command, PlayedSoFar):
                self._heard(session, command)
            else:
                self._wire.meter.command(asyncio.get_running_loop().time())
                self._ending |= isinstance(command, End)
                await obey(session, command)
        except Closing:
            raise
        except VflowError as error:
            node = command.node if isinstance(command, Set) else ""
            return list(self._core.warn(node, str(error)))
        return []

    async def _hear(self, session: Session, sound: Sound, rate: int) -> None:
        """Pass audio to the session. While it has no room this waits, and the socket is not read."""
        self._wire.meter.audio(len(sound.pcm16), rate, asyncio.get_running_loop().time())
        if not self._about["audio"]:
            raise Closing(WRONG_KIND, "wrong_kind", "this agent takes no audio")
        if not self._ending:
            with contextlib.suppress(VflowError):  # the session ends; `_tell` raises the reason
                await session.send(sound.pcm16, rate)

    def _heard(self, session: Session, report: PlayedSoFar) -> None:
        """Take a client's report of how much of a reply it has played, and how many messages it received."""
        self._line.journal.acknowledge(report.received)
        heard_s = self._playback.report(report.turn, report.seconds, asyncio.get_running_loop().time())
        if heard_s is not None and self._reports:
            session.played(heard_s, report.turn)

    # to the client

    async def _tell(self, session: Session, guest: Guest) -> None:
        try:
            async for event in session:
                try:
                    await self._line.send(self._core.tell(event))
                finally:  # also if the send failed: the frames are kept for a client that comes back
                    self._remember(event, session, guest)
        except NodeError as error:
            self._failed(guest, error)
        raise Closing(END, "end", "the session has ended")

    def _remember(self, event: Event, session: Session, guest: Guest) -> None:
        """Update counts, state and playback by an event that the client was told."""
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
                self._roster.turn(guest, record, session.graph.budget)
            case Warned():
                guest.warnings += 1
                self._roster.tally.warnings += 1

    # by the clock

    async def _watch(self, session: Session) -> None:
        """Tell the client how full the links are, every LEVELS_S. Raises: Closing if the client has sent
        nothing for `idle_s`."""
        while True:
            await asyncio.sleep(LEVELS_S)
            self._roster.load.look()
            if not self._wire.sending:
                await self._line.send(self._core.levels(session.pipeline.levels()))
            since, idle_s = self._wire.listening_since, self._limits.idle_s
            if since is not None and asyncio.get_running_loop().time() - since > idle_s:
                raise Closing(LEAVING, "idle", f"no message came for {idle_s:g} s")
