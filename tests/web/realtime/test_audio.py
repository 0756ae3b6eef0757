"""Audio of the Realtime protocol. The oracle of G.711 is ITU-T's table, by its own formulas."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from vflow.web.realtime.audio import PCM, PCMA, PCMU, Encoder, decode


def text_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("kind", "code", "sample"),
    [
        (PCMU, 0x00, -32124), (PCMU, 0x80, 32124), (PCMU, 0xFF, 0), (PCMU, 0x7F, 0), (PCMU, 0xEF, 132),
        (PCMA, 0x55, -8), (PCMA, 0xD5, 8), (PCMA, 0x2A, -32256), (PCMA, 0xAA, 32256), (PCMA, 0xC5, 264),
    ],
)  # fmt: skip
def test_codes_of_g711_are_these_samples(kind: str, code: int, sample: int) -> None:
    assert np.frombuffer(decode(kind, text_of(bytes([code]))), "<i2").tolist() == [sample]


@pytest.mark.parametrize("kind", [PCMU, PCMA])
def test_encoding_takes_the_nearest_code(kind: str) -> None:
    values = np.frombuffer(decode(kind, text_of(bytes(range(256)))), "<i2").astype(np.int64)
    given_samples = np.arange(-32_000, 32_000, 37)
    made = Encoder(kind, 8_000).encode((given_samples / 32_767).astype(np.float32))
    back = np.frombuffer(decode(kind, made), "<i2").astype(np.int64)
    best = np.abs(values[None, :] - given_samples[:, None]).min(axis=1)
    assert np.abs(np.abs(back - given_samples) - best).max() <= 2  # the sample itself is rounded


def test_pcm_is_whole_samples() -> None:
    assert decode(PCM, text_of(b"\1\2\3\4")) == b"\1\2\3\4"
    with pytest.raises(ValueError, match="not a whole number"):
        decode(PCM, text_of(b"\1\2\3"))


@given(st.text(max_size=60))
def test_invalid_base64_is_refused_and_valid_base64_decoded(text: str) -> None:
    for kind in (PCM, PCMU):
        try:
            assert len(decode(kind, text)) % 2 == 0
        except ValueError:
            continue


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_a_reply_in_pieces_is_resampled_as_a_whole(rate: int) -> None:
    whole = (0.5 * np.sin(np.arange(rate) * 0.02)).astype(np.float32)
    encoder = Encoder(PCM, rate)
    made = "".join(encoder.encode(piece) for piece in np.array_split(whole, 50))
    raw = b"".join(
        base64.b64decode(part) for part in [made, encoder.encode(np.zeros(0, np.float32), last=True)]
    ) if rate == 24_000 else None  # fmt: skip
    reference = soxr.resample(whole, rate, 24_000)
    assert abs(encoder.frames - len(reference)) <= 24_000 // 50 + 2_000
    if raw is not None:
        assert np.abs(np.frombuffer(raw, "<i2") / 32767 - reference).max() < 1e-3
