"""Packets: their payload, that nobody can change them, and that cutting loses neither frame nor word."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vflow import SECOND, AudioPacket, Packet, Span, TextPacket


def audio(frames: int, channels: int = 1, rate: int = 16_000, **values: Any) -> AudioPacket:
    """A ramp, so that every frame is another."""
    data = np.arange(frames * channels, dtype=np.float32).reshape(frames, channels)
    return AudioPacket(data=data, rate=rate, **values)


@st.composite
def spoken(draw: st.DrawFn) -> AudioPacket:
    """Audio with the words of a reply in it, one after the other, which may reach up to its last frame."""
    frames = draw(st.integers(1, 2000))
    edges = sorted(draw(st.lists(st.integers(0, frames), max_size=12)))
    spans = [Span(1, n, f"w{n}", a, b) for n, (a, b) in enumerate(pairwise(edges))]
    rate = draw(st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]))
    at = draw(st.integers(0, 3600 * SECOND))
    return audio(frames, draw(st.integers(1, 2)), rate, pts_ns=at, turn=1, spans=tuple(spans))


def test_one_dimensional_audio_is_one_channel_that_shares_the_samples() -> None:
    samples = np.zeros(160, np.float32)
    packet = AudioPacket(data=samples, rate=16_000)
    assert packet.data.shape == (160, 1)
    assert packet.frames == 160
    assert np.shares_memory(packet.data, samples)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (np.zeros(3, np.int16), r"not \(3, 1\) int16"),
        (np.zeros(3), r"not \(3, 1\) float64"),
        (np.zeros((2, 3, 4), np.float32), r"not \(2, 3, 4\) float32"),
        (np.float32(0) + np.zeros((), np.float32), r"not \(\) float32"),
    ],
)
def test_audio_of_a_wrong_type_or_shape_is_refused_with_both(data: Any, found: str) -> None:
    with pytest.raises(TypeError, match=rf"audio is \(frames, channels\) float32, {found}"):
        AudioPacket(data=np.asarray(data), rate=16_000)


@pytest.mark.parametrize("text", [None, b"bytes", 3])
def test_text_that_is_no_str_is_refused_with_its_type(text: Any) -> None:
    with pytest.raises(TypeError, match=f"text is str, not {type(text).__name__}"):
        TextPacket(text=text)


def test_samples_of_a_packet_cannot_be_written() -> None:
    packet = audio(10)
    with pytest.raises(ValueError, match="read-only"):
        packet.data[0] = 1.0
    (block,) = packet.blocks(10)
    with pytest.raises(ValueError, match="read-only"):
        block.data[0] = 1.0


@pytest.mark.parametrize("packet", [Packet(), audio(1), TextPacket(text="a")])
def test_fields_of_a_packet_cannot_be_set(packet: Packet) -> None:
    for field in dataclasses.fields(packet):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(packet, field.name, None)


def test_meta_that_was_not_given_is_empty_and_cannot_be_written() -> None:
    meta: Any = Packet().meta
    assert dict(meta) == {}
    with pytest.raises(TypeError):
        meta["speech"] = 1.0


def test_replace_changes_one_field_and_shares_the_samples() -> None:
    packet = audio(100, pts_ns=5, turn=2, meta={"speech": 0.5})
    moved = packet.replace(pts_ns=7)
    assert (moved.pts_ns, moved.turn, moved.meta) == (7, 2, {"speech": 0.5})
    assert np.shares_memory(moved.data, packet.data)
    assert packet.pts_ns == 5


@given(frames=st.integers(0, 200_000), rate=st.integers(1, 192_000))
def test_duration_is_computed_from_the_frames(frames: int, rate: int) -> None:
    packet = AudioPacket(data=np.zeros((frames, 1), np.float32), rate=rate, duration_ns=-1)
    assert 0 <= frames * SECOND - packet.duration_ns * rate < rate


def test_mono_of_one_channel_is_a_view_and_of_two_their_mean() -> None:
    one, two = audio(5), audio(5, channels=2)
    assert np.shares_memory(one.mono(), one.data)
    assert two.mono().dtype == np.float32
    assert two.mono().tolist() == [0.5, 2.5, 4.5, 6.5, 8.5]


def test_the_middle_of_a_word_is_the_frame_between_its_ends() -> None:
    assert Span(turn=1, index=0, word="a", start=10, stop=21).middle == 15


@settings(deadline=None)
@given(packet=spoken(), frames=st.integers(1, 2500))
def test_blocks_hold_every_frame_once_and_in_time(packet: AudioPacket, frames: int) -> None:
    blocks = list(packet.blocks(frames))
    assert np.array_equal(np.concatenate([block.data for block in blocks]), packet.data)
    assert [block.frames for block in blocks[:-1]] == [frames] * (len(blocks) - 1)
    at = 0
    for block in blocks:
        assert np.shares_memory(block.data, packet.data)
        assert block.turn == packet.turn
        assert block.pts_ns == packet.pts_ns + at * SECOND // packet.rate
        at += block.frames


@settings(deadline=None)
@given(packet=spoken(), frames=st.integers(1, 2500))
def test_blocks_hold_every_word_once_where_its_middle_is(packet: AudioPacket, frames: int) -> None:
    at, found = 0, []
    for block in packet.blocks(frames):
        for span in block.spans:
            # a word at the very end has its middle behind the last frame
            assert 0 <= span.middle <= block.frames
            found.append(dataclasses.replace(span, start=span.start + at, stop=span.stop + at))
        at += block.frames
    assert tuple(found) == packet.spans


def test_a_packet_without_frames_has_no_blocks() -> None:
    assert list(audio(0).blocks(10)) == []
