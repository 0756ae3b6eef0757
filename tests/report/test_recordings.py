"""Moments found in samples, held against tones that lie where the test put them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from vflow import MS
from vflow.bench.speech import bundled
from vflow.packet import Samples
from vflow.report.recordings import audible_ns, frame_levels, read_stretch, summary, voice_off_ns, voice_on_ns

RATE = 16_000


def tone(*stretches_ms: tuple[int, int, float]) -> Samples:
    """Make two seconds of silence with tones: (from ms, to ms, amplitude) each."""
    samples = np.zeros(2 * RATE, np.float32)
    for start_ms, end_ms, amplitude in stretches_ms:
        start, end = start_ms * RATE // 1000, end_ms * RATE // 1000
        samples[start:end] = amplitude * np.sin(np.arange(end - start) * 0.5)
    return samples


def test_the_level_of_a_full_scale_square_is_0_dbfs() -> None:
    square = np.tile(np.array([1.0, -1.0], np.float32), RATE // 2)
    levels = frame_levels(square, RATE, 30 * MS, 10 * MS)
    assert len(levels) == (RATE - RATE * 30 // 1000) // (RATE * 10 // 1000) + 1
    assert levels == pytest.approx(np.zeros(len(levels)), abs=1e-6)
    assert len(frame_levels(square[:10], RATE, 30 * MS, 10 * MS)) == 0


def test_a_voice_begins_and_ends_within_a_frame_of_its_sound() -> None:
    samples = tone((400, 900, 0.3), (1000, 1200, 0.2))
    assert voice_on_ns(samples, RATE) == pytest.approx(400 * MS, abs=30 * MS)
    assert voice_off_ns(samples, RATE) == pytest.approx(1200 * MS, abs=30 * MS)


def test_a_breath_25_db_below_the_voice_is_not_part_of_it() -> None:
    samples = tone((400, 900, 0.3), (1000, 1200, 0.3 * 10 ** (-30 / 20)))
    assert voice_off_ns(samples, RATE) == pytest.approx(900 * MS, abs=30 * MS)


def test_a_reply_is_audible_to_5_ms_and_40_db() -> None:
    samples = tone(
        (500, 1000, 0.3), (1000, 1100, 0.3 * 10 ** (-35 / 20)), (1200, 1300, 0.3 * 10 ** (-45 / 20))
    )
    span = audible_ns(samples, RATE)
    assert span is not None
    assert span[0] == pytest.approx(500 * MS, abs=5 * MS)
    assert span[1] == pytest.approx(1100 * MS, abs=5 * MS)


def hum(hz: float) -> Samples:
    """Return a hum of the mains with its harmonics, as loud as the voice."""
    t = np.arange(2 * RATE) / RATE
    return (0.1 * np.sin(2 * np.pi * hz * t + 1) + 0.02 * np.sin(4 * np.pi * hz * t)).astype(np.float32)


def thump(at_ms: int) -> Samples:
    """Make a knock on the table: 40 Hz, as loud as the voice, up in some 10 ms and down within 0.2 s."""
    t = np.maximum(np.arange(2 * RATE) / RATE - at_ms / 1000, 0)
    knock: Samples = np.sin(80 * np.pi * t) * np.exp(-30 * t) * (1 - np.exp(-100 * t))
    return knock.astype(np.float32)


UNDER = {
    "offset": np.full(2 * RATE, 0.05, np.float32),
    "large offset": np.full(2 * RATE, -0.6, np.float32),
    "hum 50": hum(50),
    "hum 60": hum(60),
    "offset and hum": hum(50) + np.float32(0.2),
    "drift": np.linspace(-0.4, 0.4, 2 * RATE, dtype=np.float32),
}


@pytest.mark.parametrize("under", UNDER)
def test_inaudible_sound_moves_no_moment_of_a_voice(under: str) -> None:
    samples = tone((400, 900, 0.3), (1000, 1200, 0.2)) + UNDER[under]
    assert voice_on_ns(samples, RATE) == pytest.approx(400 * MS, abs=30 * MS)
    assert voice_off_ns(samples, RATE) == pytest.approx(1200 * MS, abs=30 * MS)


@pytest.mark.parametrize("under", ["offset", "large offset", "drift"])
def test_an_offset_moves_no_moment_of_a_reply(under: str) -> None:
    span = audible_ns(tone((500, 1000, 0.3)) + UNDER[under], RATE)
    assert span is not None
    assert span[0] == pytest.approx(500 * MS, abs=5 * MS)
    assert span[1] == pytest.approx(1000 * MS, abs=5 * MS)


def noise(kind: str, frames: int) -> Samples:
    """Return noise of power 1: white, or with 3 or 5 dB less power an octave."""
    slope = {"white": 0.0, "pink": -1.0, "room": -5 / 3}[kind]
    spectrum = np.fft.rfft(np.random.default_rng(5).normal(size=frames))
    spectrum *= np.maximum(np.fft.rfftfreq(frames, 1 / RATE), 60) ** (slope / 2)
    made = np.fft.irfft(spectrum, frames)
    return np.asarray(made / np.sqrt(np.mean(made**2)), np.float32)


@pytest.mark.parametrize("kind", ["white", "pink", "room"])
@pytest.mark.parametrize("over_db", [25, 20, 15])
def test_a_question_ends_where_it_does_in_a_quiet_room(kind: str, over_db: int) -> None:
    samples, rate = soundfile.read(bundled(), dtype="float32")
    question = np.concatenate([soxr.resample(samples, rate, RATE), np.zeros(RATE // 2, np.float32)])
    off = voice_off_ns(question, RATE)
    assert off is not None
    power = np.mean(question[np.abs(question) > 0.01] ** 2)
    mixed = question + noise(kind, len(question)) * np.sqrt(power * 10 ** (-over_db / 10), dtype=np.float32)
    assert voice_off_ns(mixed, RATE) == pytest.approx(off, abs=30 * MS)


@pytest.mark.parametrize("kind", ["white", "pink", "room"])
def test_a_sound_10_db_over_the_room_that_dies_away_ends_with_itself(kind: str) -> None:
    samples = tone((400, 900, 0.3), (1000, 1200, 0.2))
    samples[1140 * RATE // 1000 : 1200 * RATE // 1000] *= np.linspace(1, 0, 60 * RATE // 1000)
    mixed = samples + noise(kind, len(samples)) * np.sqrt(0.3**2 / 2 / 10, dtype=np.float32)
    assert voice_off_ns(mixed, RATE) == pytest.approx(1200 * MS, abs=30 * MS)


def test_digital_silence_beside_a_room_is_not_the_room() -> None:
    samples = tone((400, 900, 0.3))
    samples[RATE // 4 : 3 * RATE // 2] += 0.05 * noise("white", 5 * RATE // 4)
    assert voice_off_ns(samples, RATE) == pytest.approx(900 * MS, abs=30 * MS)


def test_a_thump_after_a_voice_is_not_its_end() -> None:
    samples = tone((400, 900, 0.3)) + thump(1500)
    assert voice_off_ns(samples, RATE) == pytest.approx(900 * MS, abs=30 * MS)


def test_a_thump_before_a_voice_is_not_its_start() -> None:
    samples = tone((900, 1400, 0.3)) + thump(200)
    assert voice_on_ns(samples, RATE) == pytest.approx(900 * MS, abs=30 * MS)


def test_an_offset_alone_has_no_moment() -> None:
    assert voice_off_ns(UNDER["large offset"], RATE) is None
    assert audible_ns(UNDER["large offset"], RATE) is None


@pytest.mark.parametrize("amplitude", [0.0, 2**-16])
def test_in_silence_or_16_bit_noise_there_is_no_moment(amplitude: float) -> None:
    samples = tone((0, 2000, amplitude))
    assert voice_on_ns(samples, RATE) is None
    assert voice_off_ns(samples, RATE) is None
    assert audible_ns(samples, RATE) is None


def test_a_stretch_is_read_with_its_channels_mixed(tmp_path: Path) -> None:
    ramp = np.arange(RATE, dtype=np.float32) / RATE
    soundfile.write(tmp_path / "r.wav", np.stack([ramp, np.zeros_like(ramp)], axis=1), RATE, subtype="FLOAT")
    samples, rate = read_stretch(tmp_path / "r.wav", 250 * MS, 500 * MS)
    assert rate == RATE
    assert samples == pytest.approx(ramp[RATE // 4 : RATE // 2] / 2)


def test_a_stretch_whose_channels_cancel_is_one_of_them(tmp_path: Path) -> None:
    voice = tone((400, 900, 0.3))
    soundfile.write(tmp_path / "r.wav", np.stack([voice, -voice], axis=1), RATE, subtype="FLOAT")
    assert voice_off_ns(*read_stretch(tmp_path / "r.wav", 0, None)) == pytest.approx(900 * MS, abs=30 * MS)


def test_a_stretch_beyond_the_end_is_cut_at_the_end(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "r.wav", np.zeros(RATE, np.float32), RATE)
    assert len(read_stretch(tmp_path / "r.wav", 750 * MS, None)[0]) == RATE // 4
    assert len(read_stretch(tmp_path / "r.wav", 750 * MS, 9000 * MS)[0]) == RATE // 4
    assert len(read_stretch(tmp_path / "r.wav", 2000 * MS, 9000 * MS)[0]) == 0


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (0, {"n"}), (1, {"n", "max"}), (19, {"n", "max"}), (20, {"n", "max", "p50"}), 
        (58, {"n", "max", "p50"}), (59, {"n", "max", "p50", "p95"}), (299, {"n", "max", "p50", "p95", "p99"}),
    ],
)  # fmt: skip
def test_a_quantile_is_told_where_the_samples_suffice(count: int, names: set[str]) -> None:
    figures = summary([float(n) for n in range(count)])
    assert figures.keys() == names
    assert figures["n"] == count
    assert figures.get("max", count - 1) == count - 1


def test_a_stretch_of_a_file_that_cannot_be_wound_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(3200) / 9) * 0.5, 8000, subtype="GSM610")
    whole, rate = read_stretch(tmp_path / "a.wav", 0, None)
    stretch, _ = read_stretch(tmp_path / "a.wav", 100 * MS, 200 * MS)
    assert (rate, len(whole)) == (8000, 3200)
    assert np.array_equal(stretch, whole[800:1600])
