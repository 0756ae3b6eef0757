"""wav_source: what libsndfile reads comes out sample for sample, at its intended times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import MS, SECOND, Audio, AudioPacket, Harness, PropertyError, Unavailable
from vflow_nodes.wav_source import WavSource


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(7).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


def played(node: WavSource) -> list[AudioPacket]:
    with Harness(node) as harness:
        return list(harness.produce())


def joined(packets: list[AudioPacket]) -> np.ndarray:
    return np.concatenate([p.data for p in packets])


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_all_rates_and_both_layouts_come_out_sample_for_sample(tmp_path: Path, rate: int, channels: int):
    file, data = tmp_path / "a.wav", noise(rate // 10 + 17, channels)
    soundfile.write(file, data, rate, subtype="FLOAT")
    node = WavSource(file=str(file), pace="free")
    assert node.port_caps("audio") == Audio(rate=rate, channels=channels)
    assert np.array_equal(joined(played(node)), data)


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("a.wav", "PCM_16", 2**-15),
        ("a.wav", "PCM_24", 2**-23),
        ("a.flac", "PCM_24", 2**-23),
        ("a.aiff", "DOUBLE", 0),
    ],
)
def test_formats_are_read_to_their_own_precision(tmp_path: Path, name: str, subtype: str, step: float):
    data = noise(5000)
    soundfile.write(tmp_path / name, data, 16000, subtype=subtype)
    assert np.abs(joined(played(WavSource(file=str(tmp_path / name)))) - data).max() <= step


def test_a_frame_leaves_when_a_microphone_would_deliver_it(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", noise(3000), 16000)
    node = WavSource(file=str(tmp_path / "a.wav"), frame="20ms")
    with Harness(node) as harness:
        harness.time_ns = 5 * SECOND
        seen = [(harness.now_ns(), p.pts_ns, p.duration_ns) for p in harness.produce()]
    assert [now for now, pts, duration in seen] == [pts + duration for _, pts, duration in seen]
    assert [pts for _, pts, _ in seen] == [5 * SECOND + k * 20 * MS for k in range(10)]
    assert seen[-1][2] == 3000 * SECOND // 16000 - 9 * 20 * MS


def test_pts_do_not_drift_where_a_frame_is_no_whole_number_of_samples(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.zeros((44100 * 60, 1), np.int16), 44100)
    at = 0
    for packet in played(WavSource(file=str(tmp_path / "a.wav"), frame="32ms")):
        assert packet.pts_ns == at * SECOND // 44100
        at += packet.frames
    assert at == 44100 * 60


def test_a_late_frame_does_not_delay_the_next_ones(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000)
    with Harness(WavSource(file=str(tmp_path / "a.wav"), frame="100ms")) as harness:
        times = []
        for k, _ in enumerate(harness.produce()):
            times.append(harness.now_ns())
            harness.time_ns += 350 * MS if k == 2 else 0
    assert times == [
        100 * MS,
        200 * MS,
        300 * MS,
        650 * MS,
        650 * MS,
        650 * MS,
        *(k * 100 * MS for k in range(7, 11)),
    ]


def test_pad_is_silence_after_the_last_sample(tmp_path: Path):
    data = noise(1000)
    soundfile.write(tmp_path / "a.wav", data, 16000, subtype="FLOAT")
    packets = played(WavSource(file=str(tmp_path / "a.wav"), pad="100ms"))
    assert np.array_equal(joined(packets), np.concatenate([data, np.zeros((1600, 1), np.float32)]))


def test_a_format_that_cannot_be_wound_is_played(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", noise(3200), 8000, subtype="GSM610")
    assert len(joined(played(WavSource(file=str(tmp_path / "a.wav"), pace="free")))) == 3200


def test_free_pace_takes_no_time_and_lets_the_runtime_look(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000)
    node = WavSource(file=str(tmp_path / "a.wav"), pace="free")
    with Harness(node) as harness:
        assert None in list(node.produce())
        assert harness.now_ns() == 0
    assert not node.paced()
    assert WavSource(file="a.wav").paced()


def test_the_header_is_read_once(tmp_path: Path):
    file = tmp_path / "a.wav"
    soundfile.write(file, noise(100), 16000)
    node = WavSource(file=str(file))
    node.port_caps("audio")
    file.unlink()
    assert node.port_caps("audio") == Audio(rate=16000, channels=1)
    with pytest.raises(Unavailable, match="no such file"):
        node.open()


def refusal(file: Path) -> str:
    with pytest.raises(Unavailable) as caught:
        WavSource(file=str(file)).port_caps("audio")
    assert str(file) in str(caught.value)
    return str(caught.value)


def test_a_file_that_cannot_be_played_is_refused_with_a_reason(tmp_path: Path):
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "text.raw").write_text("hello")
    (tmp_path / "nothing.wav").write_bytes(b"")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 16000)
    assert "no such file" in refusal(tmp_path / "gone.wav")
    assert "is a folder" in refusal(tmp_path)
    assert "holds no samples" in refusal(tmp_path / "empty.wav")
    for name in ("text.wav", "text.raw", "nothing.wav"):
        assert "cannot be read as sound" in refusal(tmp_path / name)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_sample_that_is_no_number_is_refused_with_its_second(tmp_path: Path, bad: float, subtype: str):
    data = np.zeros((16000 * 20, 2))
    data[16000 * 18 + 8000, 1] = bad
    soundfile.write(tmp_path / "a.wav", data, 16000, subtype=subtype)
    assert "18.500 s" in refusal(tmp_path / "a.wav")


def test_a_file_shorter_than_its_header_ends_with_a_warning(tmp_path: Path):
    file = tmp_path / "a.wav"
    soundfile.write(file, noise(16000), 16000)
    node = WavSource(file=str(file), pace="free")
    node.port_caps("audio")
    soundfile.write(file, noise(4000), 16000)
    with Harness(node) as harness:
        assert len(joined(list(harness.produce()))) <= 4000
        assert [m.kind for m in harness.messages] == ["warning"]


def test_a_file_is_required_and_a_frame_has_bounds():
    with pytest.raises(PropertyError, match="'file' is missing"):
        WavSource()
    with pytest.raises(PropertyError, match="out of range"):
        WavSource(file="a.wav", frame="0ms")
