"""Clients that talk with a server at a human pace: all in one loop, with frames made beforehand.

Each sends 20 ms of audio every 20 ms, its own phase apart from the others': a question, silence, a question.
"""

from __future__ import annotations

import contextlib
import random
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from crowd.frames import BINARY, CLOSE, PING, PONG, TEXT, Reader, connected, frame, pieces, text

PIECE_S = 0.02
REST_S = 0.8
"""Between a reply's end and the next question."""
UNANSWERED_S, UNSTOPPED_S = 8.0, 3.0
WHOLE, BY_COMMAND, BY_VOICE = range(3)
"""Replies that are heard out, cut by a message, and cut by the next question."""
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The way to speak to a server. `head` bytes come before the sound of a message. A message that begins
    with `begins` says that the server hears by now ('' if from the start), with `stopped` that a reply is
    cut."""

    path: str
    protocols: tuple[str, ...] = ()
    hello: bytes = b""
    begins: bytes = b""
    stopped: bytes = b'{"type":"clear"'
    ended: bytes = b"\0"
    cut: bytes = b""
    """The message that cuts a reply; empty where there is none."""
    head: int = 0


def page(token: str) -> Dialect:
    """The protocol of the page of `vflow serve`."""
    return Dialect(
        "/ws",
        ("vflow.1", f"token.{token}"),
        text('{"type": "start", "input_rate": 16000}'),
        b'{"type":"ready"',
        b'{"type":"interrupted"',
        b'{"type":"turn_ended"',
        text('{"type": "interrupt"}'),
        4,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """A question as frames: `on` is the piece with its first sound, `off` that with its last."""

    frames: list[bytes]
    on: int
    off: int

    @classmethod
    def of(cls, pcm16: bytes, rate: int, on_s: float, off_s: float) -> Said:
        cut = pieces(pcm16, 2 * round(PIECE_S * rate))
        return cls(cut, int(on_s / PIECE_S), min(int(off_s / PIECE_S), len(cut) - 1))


@dataclass
class Noted:
    """By all clients of a run; times in s."""

    waits: list[float] = field(default_factory=list)
    """From a question's last sound to the reply's first."""
    stops: list[float] = field(default_factory=list)
    """From the message that cuts a reply to the word that it is cut."""
    voice_stops: list[float] = field(default_factory=list)
    """From the first sound of a voice to that word."""
    late: list[float] = field(default_factory=list)
    """By how much the clients' own audio left too late."""
    ends: list[bytes] = field(default_factory=list)
    """The server's messages about turns that have ended."""
    unanswered: int = 0
    unstopped: int = 0
    stale: int = 0
    """Messages with sound of a reply that had been cut."""
    lost: int = 0


class Talker:
    """One client. `kinds` are what it does with one reply after the other."""

    def __init__(
        self,
        place: tuple[str, int],
        dialect: Dialect,
        said: Said,
        kinds: Sequence[int],
        noted: Noted,
        seed: int,
    ) -> None:
        """Connects; blocks."""
        self._dialect, self._said, self._noted, self._kinds = dialect, said, noted, kinds
        self._random = random.Random(seed)
        self.socket, came = connected(*place, dialect.path, dialect.protocols)
        self._reader = Reader()
        self.begun, self.gone = not dialect.begins, False
        self._silence = frame(BINARY, bytes(len(said.frames[0]) - 8))
        self._unsent = b""
        self._at = -1  # the next piece of a question that is being said
        self._say_at = NEVER
        self._turns = seed  # so that not all cut at the same time
        self._off_s = self._cut_at = self._cut_s = self._voice_s = NEVER
        self._barges = False
        self._cut_turn = self._playing = b""
        self._reply_s = 3.0
        self.socket.setblocking(False)
        self._send(dialect.hello)
        self.take(came, 0.0)

    def talk(self, from_s: float) -> None:
        """Begin to ask then."""
        self._say_at = from_s

    def hush(self) -> None:
        """Say nothing more."""
        self._say_at = self._off_s = self._cut_at = NEVER
        self._at = -1

    def tick(self, now_s: float) -> None:
        """Send a piece."""
        if not self.begun:
            return
        if self._at < 0 and now_s >= self._say_at:
            self._at, self._say_at = 0, NEVER
        if self._at < 0:
            self._send(self._silence)
        else:
            self._say(now_s)
        if now_s >= self._cut_at:
            self._send(self._dialect.cut)
            self._cut_s, self._cut_at = now_s, NEVER
        if now_s - self._off_s > UNANSWERED_S:
            self._noted.unanswered += 1
            self._off_s, self._say_at = NEVER, now_s + REST_S
        if now_s - min(self._cut_s, self._voice_s) > UNSTOPPED_S:
            self._noted.unstopped += 1
            self._cut_s = self._voice_s = NEVER
            if self._at < 0 and self._off_s == NEVER:
                self._say_at = now_s + REST_S

    def _say(self, now_s: float) -> None:
        said = self._said
        self._send(said.frames[self._at])
        if self._at == said.on and self._barges:
            self._voice_s, self._barges = now_s, False
        if self._at == said.off:
            self._off_s = now_s
        self._at += 1
        if self._at == len(said.frames):
            self._at = -1

    def take(self, data: bytes, now_s: float) -> bool:
        """Take what has come; False once the server has gone."""
        dialect = self._dialect
        for opcode, payload in self._reader.feed(data):
            if opcode == BINARY:
                self._sound(payload, now_s)
            elif opcode == TEXT:
                if payload.startswith(dialect.stopped):
                    self._stopped(now_s)
                elif payload.startswith(dialect.ended):
                    self._noted.ends.append(payload)
                elif not self.begun and payload.startswith(dialect.begins):
                    self.begun = True
            elif opcode == PING:
                self._send(frame(PONG, payload))
            elif opcode == CLOSE:
                return False
        return True

    def _sound(self, payload: bytes, now_s: float) -> None:
        head = payload[: self._dialect.head]
        if head and head == self._cut_turn:
            self._noted.stale += 1
            return
        if self._off_s == NEVER or self._voice_s != NEVER or not payload[self._dialect.head :].strip(b"\0"):
            self._playing = head
            return
        self._noted.waits.append(now_s - self._off_s)
        self._off_s, self._playing = NEVER, head
        kind = self._kinds[self._turns % len(self._kinds)]
        self._turns += 1
        if kind == BY_COMMAND and self._dialect.cut:
            self._cut_at = now_s + self._random.uniform(0.4, 1.2)
        elif kind == BY_VOICE:
            self._say_at, self._barges = now_s + self._random.uniform(0.4, 1.2), True
        else:
            self._say_at = now_s + self._reply_s + REST_S

    def lasts(self, reply_s: float) -> None:
        """Say how long a reply is that is heard out."""
        self._reply_s = reply_s

    def _stopped(self, now_s: float) -> None:
        self._cut_turn = self._playing
        if self._cut_s != NEVER:
            self._noted.stops.append(now_s - self._cut_s)
            self._cut_s, self._say_at = NEVER, now_s + REST_S
        elif self._voice_s != NEVER:
            self._noted.voice_stops.append(now_s - self._voice_s)
            self._voice_s = NEVER

    def _send(self, data: bytes) -> None:
        data = self._unsent + data if self._unsent else data
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the loop reads that it has gone
            return
        self._unsent = data[sent:]


class Crowd:
    """Clients in one loop."""

    def __init__(self, talkers: Sequence[Talker], noted: Noted) -> None:
        self.talkers, self._noted = list[Talker](), noted
        self._poll = select.epoll()
        self._by_fd: dict[int, Talker] = {}
        self.join(talkers)

    def join(self, talkers: Sequence[Talker]) -> None:
        """Take more clients in."""
        self.talkers += talkers
        for talker in talkers:
            self._by_fd[talker.socket.fileno()] = talker
            self._poll.register(talker.socket.fileno(), select.EPOLLIN)

    def leave(self, talkers: Sequence[Talker]) -> None:
        """Have some leave, as a browser does whose tab is closed."""
        for talker in talkers:
            self.talkers.remove(talker)
            del self._by_fd[talker.socket.fileno()]
            talker.socket.setblocking(True)
            with contextlib.suppress(OSError):
                talker.socket.sendall(frame(CLOSE, (1000).to_bytes(2)))
            talker.socket.close()

    def begin(self, timeout_s: float = 30.0) -> None:
        """Wait until the server hears all. Raises: TimeoutError."""
        until = time.perf_counter() + timeout_s
        while not all(talker.begun or talker.gone for talker in self.talkers):
            if time.perf_counter() > until:
                raise TimeoutError("not all sessions have begun")
            self._receive(0.1)

    def run(self, seconds: float) -> None:
        """Send and take for that long."""
        began = time.perf_counter()
        ends, round_s, place = began + seconds, began, 0
        count = len(self.talkers)
        while count:
            due = round_s + PIECE_S * place / count
            now = time.perf_counter()
            if now >= ends:
                return
            if now < due:
                self._receive(due - now)
                continue
            self._noted.late.append(now - due)
            self.talkers[place].tick(now)
            place += 1
            if place == count:
                place, round_s = 0, round_s + PIECE_S
                self._receive(0)

    def close(self) -> None:
        """All leave."""
        self.leave(list(self.talkers))
        self._poll.close()

    def _receive(self, timeout_s: float) -> None:
        for fd, _ in self._poll.poll(timeout_s):
            talker = self._by_fd[fd]
            try:
                data = talker.socket.recv(65_536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data or not talker.take(data, time.perf_counter()):
                self._poll.unregister(fd)
                self._noted.lost += 1
                talker.begun, talker.gone = False, True
