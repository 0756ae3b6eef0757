"""The load's clients, against a server that a test scripts frame by frame."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.frames import Frame
from websockets.frames import Opcode as Op
from websockets.sync.server import ServerConnection, serve

from tests.stand_ins import PATIENCE_S


@pytest.fixture
def talkers(benchmark: Any) -> Any:
    return benchmark("crowd.talkers")


class Far:
    """The server's end of one client."""

    def __init__(self) -> None:
        self.here, self.over = threading.Event(), threading.Event()
        self.connection: ServerConnection | None = None

    def serve(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.here.set()
        self.over.wait(PATIENCE_S)


@pytest.fixture
def far() -> Iterator[tuple[Far, int]]:
    end = Far()
    with serve(end.serve, "127.0.0.1", 0, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield end, server.socket.getsockname()[1]
        end.over.set()
        server.shutdown()
        thread.join(PATIENCE_S)


def text(said: bytes) -> bytes:
    return Frame(Op.TEXT, said).serialize(mask=False)


def sound(turn: int, sample: bytes = b"\1\0") -> bytes:
    return Frame(Op.BINARY, turn.to_bytes(4, "little") + sample * 10).serialize(mask=False)


def talker(talkers: Any, port: int, noted: Any, kind: int) -> Any:
    said = talkers.Said.of(bytes(2 * 16_000), 16_000, 0.1, 0.5)
    made = talkers.Talker(("127.0.0.1", port), talkers.page("a-token-of-a-test"), said, (kind,), noted, 0)
    made.take(text(b'{"type":"ready"}'), 0.0)
    assert made.begun
    return made


def ask(made: Any, now_s: float) -> float:
    """Have it say its question; returns when its last sound was sent."""
    made.talk(now_s)
    for piece in range(50):
        made.tick(now_s + 0.02 * piece)
    return now_s + 0.5


def test_wait_counts_from_last_sound_to_first_that_is_heard(talkers: Any, far: tuple[Far, int]) -> None:
    noted = talkers.Noted()
    made = talker(talkers, far[1], noted, talkers.WHOLE)
    off_s = ask(made, 10.0)
    made.take(sound(1, b"\0\0"), off_s + 0.2)  # silence is no reply
    made.take(sound(1), off_s + 0.7)
    made.take(sound(1), off_s + 0.8)
    assert noted.waits == [pytest.approx(0.7)]
    made.socket.close()


def test_stop_counts_to_the_servers_word_and_later_sound_is_stale(talkers: Any, far: tuple[Far, int]) -> None:
    noted = talkers.Noted()
    made = talker(talkers, far[1], noted, talkers.BY_COMMAND)
    off_s = ask(made, 10.0)
    made.take(sound(1), off_s + 0.7)
    made.tick(off_s + 3.0)
    made.take(text(b'{"type":"interrupted","turn":1}'), off_s + 3.01)
    made.take(sound(1), off_s + 3.02)
    assert noted.stops == [pytest.approx(0.01)]
    assert noted.stale == 1
    made.socket.close()


def test_reply_that_does_not_come_is_counted_and_the_next_question_asked(
    talkers: Any, far: tuple[Far, int]
) -> None:
    noted = talkers.Noted()
    made = talker(talkers, far[1], noted, talkers.WHOLE)
    off_s = ask(made, 10.0)
    made.tick(off_s + 9)
    assert noted.unanswered == 1
    made.take(sound(1), ask(made, off_s + 20) + 0.6)
    assert noted.waits == [pytest.approx(0.6)]
    made.socket.close()


def test_server_that_goes_is_noted(talkers: Any, far: tuple[Far, int]) -> None:
    noted = talkers.Noted()
    crowd = talkers.Crowd([talker(talkers, far[1], noted, talkers.WHOLE)], noted)
    assert far[0].here.wait(PATIENCE_S)
    assert far[0].connection is not None
    far[0].connection.socket.shutdown(socket.SHUT_RDWR)
    while not noted.lost:
        crowd.run(0.05)
    assert crowd.talkers[0].gone
    crowd.close()
