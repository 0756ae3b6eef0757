"""Moonshine's encoder and decoder by onnxruntime: tokens out of audio, given a guess of them.

The library moonshine-voice runs the same graphs on threads that spin while they wait, which costs three to
five times the CPU, and it takes no guess. A guess, such as the transcript of an earlier part of the same
utterance, is checked in one pass of the decoder; only what follows its last right token is decoded token by
token. So the words are those of decoding without a guess.

Source: Moonshine (MIT, https://github.com/moonshine-ai/moonshine), N. Jeffries et al., arXiv:2410.15608; for
the check, Y. Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", arXiv:2211.17192.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vflow import Samples

RATE = 16_000
ENCODER, DECODER, TOKENIZER = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"
BEGIN, END = 1, 2
"""The tokens before and after a transcript."""
TOKENS_A_SECOND = 6.5
"""Most tokens for each second of audio, as in moonshine-voice: the model may repeat itself without end."""
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"

State = dict[str, NDArray[np.float32]]
"""Keys and values of the decoder's attention by input name, `(1, heads, length, head_dim)`."""


class Model:
    """The graphs of one folder. Any thread may call, also at once: no call changes anything."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Load encoder and decoder, with `threads` threads each. Raises: OSError; onnxruntime's errors."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        self._encoder: Any = onnxruntime.InferenceSession(str(folder / ENCODER), options, providers=providers)
        self._decoder: Any = onnxruntime.InferenceSession(str(folder / DECODER), options, providers=providers)
        inputs = self._decoder.get_inputs()
        self._shapes = {port.name: port.shape for port in inputs if port.name.startswith("past_key_values.")}
        self._vocabulary = list(vocabulary((folder / TOKENIZER).read_bytes()))

    def tokens(self, samples: Samples, guess: Sequence[int] = ()) -> list[int]:
        """Return the tokens of `(frames,) float32` at 16 kHz. `guess` are tokens that they may begin with: a
        near tie may then fall otherwise, such as a comma, since the model is quantised. Blocks for 15 ms a
        second of audio, and 5 a token that was not guessed."""
        mask = np.ones((1, len(samples)), np.int64)
        (heard,) = self._encoder.run(None, {"input_values": samples[np.newaxis], "attention_mask": mask})
        audio = {"encoder_hidden_states": heard, "encoder_attention_mask": mask}
        most = int(len(samples) / RATE * TOKENS_A_SECOND)
        guess = list(guess[:most])
        likeliest, state = self._first(audio, [BEGIN, *guess])
        right = next((n for n, token in enumerate(guess) if likeliest[n] != token), len(guess))
        if right < len(guess):
            state = {name: _cut(name, values, right + 1) for name, values in state.items()}
        found, token = guess[:right], likeliest[right]
        while token != END and len(found) < most:
            found.append(token)
            token, state = self._next(audio, token, state)
        return found

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        joined = b"".join(self._vocabulary[token] for token in tokens if token < len(self._vocabulary))
        return joined.decode("utf-8", errors="ignore").replace(_SPACE, " ").strip()

    def _first(self, audio: State, tokens: Sequence[int]) -> tuple[list[int], State]:
        """Return the likeliest token after each of the first tokens, and the state after all."""
        empty = {
            name: np.zeros((1, shape[1], 0, shape[3]), np.float32) for name, shape in self._shapes.items()
        }
        logits, *state = self._run(audio, tokens, empty, cached=False)
        return logits[0].argmax(axis=-1).tolist(), dict(zip(self._shapes, state, strict=True))

    def _next(self, audio: State, token: int, state: State) -> tuple[int, State]:
        """Return the likeliest token after one more, and the state after it."""
        logits, *values = self._run(audio, [token], state, cached=True)
        made = dict(zip(self._shapes, values, strict=True))
        # what the decoder has of the audio never changes: it comes out empty
        kept = {name: state[name] if ".encoder." in name else made[name] for name in state}
        return int(logits[0, -1].argmax()), kept

    def _run(
        self, audio: State, tokens: Sequence[int], state: State, cached: bool
    ) -> list[NDArray[np.float32]]:
        ids = np.array([tokens], np.int64)
        made: list[NDArray[np.float32]] = self._decoder.run(
            None, {"input_ids": ids, "use_cache_branch": np.array([cached]), **audio, **state}
        )
        return made


def _cut(name: str, values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return the state of the first tokens alone."""
    return values if ".encoder." in name else np.ascontiguousarray(values[:, :, :length])


def vocabulary(content: bytes) -> Iterator[bytes]:
    """Yield the tokens of a tokenizer.bin: each its length, in one byte or two, and its bytes."""
    at = 0
    while at < len(content):
        length, at = content[at], at + 1
        if length >= 128:
            length, at = content[at] * 128 + length - 128, at + 1
        yield content[at : at + length]
        at += length
