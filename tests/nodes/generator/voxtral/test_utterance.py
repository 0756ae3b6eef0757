"""The windows of one turn: each encoded once, and again only where it changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from vflow_nodes.generator.voxtral.mel import WINDOW_SAMPLES
from vflow_nodes.generator.voxtral.prompt import EMBEDDINGS
from vflow_nodes.generator.voxtral.utterance import Utterance

NOISE = np.random.default_rng(0).uniform(-0.1, 0.1, 3 * WINDOW_SAMPLES).astype(np.float32)


class Encoder:
    """Stands in for the encoder, and counts the windows that it is given."""

    def __init__(self) -> None:
        self.windows = 0

    def __call__(self, windows: Any) -> Any:
        assert windows.shape == (1, 128, 3000)
        self.windows += 1
        return np.zeros((EMBEDDINGS, 4), np.float32)


def heard(samples: Any, most: int = 4) -> tuple[Utterance, Encoder]:
    encoder = Encoder()
    utterance = Utterance(1, encoder, most)
    for at in range(0, len(samples), 8000):
        utterance.push(samples[at : at + 8000])
    return utterance, encoder


def test_a_closed_window_is_the_same_in_the_whole_speech_and_encoded_once() -> None:
    utterance, encoder = heard(NOISE[: WINDOW_SAMPLES + 20_000])
    (first,) = utterance.closed()
    utterance.embeds[first.identity].rows()
    again, last = utterance.speech()
    assert again == first
    assert last != first
    for embeds in utterance.embeds.values():
        embeds.rows()
    assert encoder.windows == 2


def test_an_open_window_that_grew_is_another_and_a_louder_moment_makes_all_anew() -> None:
    utterance, _ = heard(NOISE[: WINDOW_SAMPLES + 20_000])
    first, second = utterance.speech()
    utterance.push(NOISE[:8000])
    same, grown = utterance.speech()
    assert same == first
    assert grown != second
    utterance.push(np.sin(np.arange(8000, dtype=np.float32) / 4))
    assert first not in utterance.speech()


def test_speech_after_the_last_window_is_cut() -> None:
    utterance, _ = heard(NOISE, most=1)
    assert utterance.cut
    assert len(utterance.speech()) == 1


def test_a_push_says_whether_it_closed_a_window() -> None:
    utterance = Utterance(1, Encoder(), 4)
    assert not utterance.push(NOISE[:WINDOW_SAMPLES])  # the last frame reaches beyond
    assert utterance.push(NOISE[:400])
    assert utterance.seconds == (WINDOW_SAMPLES + 400) / 16_000


def test_silence_and_a_click_are_no_utterance() -> None:
    assert heard(np.zeros(16_000, np.float32))[0].empty
    assert heard(NOISE[:800])[0].empty
    assert not heard(NOISE[:16_000])[0].empty
