"""WebSocket frames of the load's clients, read by an independent library."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.frames import Frame
from websockets.frames import Opcode as Op
from websockets.streams import StreamReader


@pytest.fixture
def frames(benchmark: Any) -> Any:
    return benchmark("crowd.frames")


def parsed(data: bytes) -> Frame:
    """Read one masked frame as a server does."""
    reader = StreamReader()
    reader.feed_data(data)
    reading = Frame.parse(reader.read_exact, mask=True)
    try:
        while True:
            next(reading)
    except StopIteration as done:
        frame: Frame = done.value
        return frame


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frame_of_any_size_is_read_by_a_server(frames: Any, size: int) -> None:
    payload = bytes(at % 251 for at in range(size))
    found = parsed(frames.frame(frames.BINARY, payload))
    assert (found.opcode, bytes(found.data)) == (Op.BINARY, payload)


def test_audio_is_cut_into_whole_pieces(frames: Any) -> None:
    cut = frames.pieces(bytes(1_000), 320)
    assert [bytes(parsed(piece).data) for piece in cut] == [bytes(320)] * 3


@pytest.mark.parametrize("step", [1, 3, 7, 100_000])
def test_frames_that_come_in_parts_are_read_once_and_whole(frames: Any, step: int) -> None:
    sent = [(Op.TEXT, b"a"), (Op.BINARY, bytes(200)), (Op.PING, b""), (Op.BINARY, bytes(70_000))]
    data = b"".join(Frame(opcode, payload).serialize(mask=False) for opcode, payload in sent)
    reader = frames.Reader()
    got = [each for at in range(0, len(data), step) for each in reader.feed(data[at : at + step])]
    assert got == [(int(opcode), payload) for opcode, payload in sent]
