"""Send an utterance to an endpoint as a wav file, and get its transcript."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from vflow import Samples, join_words
from vflow_nodes.lib.remote.faults import RemoteError

if TYPE_CHECKING:
    from vflow_nodes.lib.remote.client import RemoteClient

RATE = 16_000
SHORTEST = RATE // 10
"""Fewest samples: OpenAI refuses less than 0.1 s."""
PIECE = 300 * RATE
"""Most samples of one request: 9.6 MB; OpenAI takes 25 MB."""
SILENT = 1e-3
"""Peak amplitude (-60 dB) below which nothing is transcribed: models make words of silence."""


def audible(samples: Samples) -> bool:
    """Tell whether samples, `(frames,) float32` at 16 kHz, are worth a request."""
    return len(samples) >= SHORTEST and float(np.abs(samples).max()) >= SILENT


async def transcribe(client: RemoteClient, model: str, samples: Samples, fields: Mapping[str, str]) -> str:
    """Return the words in samples; `fields` are more fields of the request. Raises: RemoteError."""
    pieces = np.split(samples, range(PIECE, len(samples), PIECE))
    return join_words([await _transcript(client, model, each, fields) for each in pieces if audible(each)])


async def _transcript(client: RemoteClient, model: str, samples: Samples, fields: Mapping[str, str]) -> str:
    found = await client.whole(
        "POST",
        "audio/transcriptions",
        model,
        data={"model": model, "response_format": "json", **fields},
        files={"file": ("utterance.wav", wav(samples), "audio/wav")},
    )
    text = found.get("text")
    if not isinstance(text, str):
        raise RemoteError(
            f"{client.endpoint.place} sent JSON without a transcript; is 'base_url' right, and the model one "
            "that transcribes?"
        )
    return " ".join(text.split())


def wav(samples: Samples) -> bytes:
    """Return a 16 bit wav file of samples, `(frames,) float32` at 16 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
