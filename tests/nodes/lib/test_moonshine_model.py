"""Moonshine's tokens: those of its own library, and the same with any guess of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vflow import Samples
from vflow_nodes.lib.moonshine import folder_of
from vflow_nodes.lib.moonshine_model import RATE, TOKENS_A_SECOND, Model, vocabulary

moonshine_voice = pytest.importorskip("moonshine_voice")
hibari = pytest.importorskip("hibari")
soxr = pytest.importorskip("soxr")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(folder_of("tiny-en"))


@pytest.fixture(scope="module")
def said() -> Samples:
    voice = hibari.Hibari()
    made = soxr.resample(
        np.asarray(voice("I would like to book a table for two, at half past seven."), np.float32),
        24_000,
        RATE,
    )
    return np.asarray(made, np.float32)


@pytest.fixture(scope="module")
def expected(model: Model, said: Samples) -> list[int]:
    return model.tokens(said)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass of the decoder took."""
    taken: list[int] = []
    run = Model._run

    def counted(
        self: Model, audio: dict[str, NDArray[np.float32]], tokens: list[int], *rest: object, **more: object
    ) -> object:
        taken.append(len(tokens))
        return run(self, audio, tokens, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "_run", counted)
    return taken


def test_the_text_is_that_of_moonshines_own_library(model: Model, said: Samples, expected: list[int]) -> None:
    options = {"vad_threshold": "0", "return_audio_data": "false"}
    library = moonshine_voice.Transcriber(
        str(folder_of("tiny-en")), moonshine_voice.ModelArch.TINY, options=options
    )
    try:
        lines = library.transcribe_without_streaming(said.tolist(), RATE).lines
        assert model.text(expected) == " ".join(line.text.strip() for line in lines)
    finally:
        library.close()


@pytest.mark.parametrize("right", [0, 1, 5, None], ids=["all wrong", "one", "five", "all right"])
def test_no_guess_changes_a_token(
    model: Model, said: Samples, expected: list[int], right: int | None
) -> None:
    guess = expected[:right] if right is None else [*expected[:right], 500, 501, 502]
    assert model.tokens(said, guess) == expected


def test_a_guess_that_goes_on_after_the_end_is_cut_there(
    model: Model, said: Samples, expected: list[int]
) -> None:
    assert model.tokens(said, [*expected, *expected]) == expected
    assert model.tokens(said, expected * 100) == expected


def test_a_right_guess_is_checked_in_one_pass(
    model: Model, said: Samples, expected: list[int], passes: list[int]
) -> None:
    model.tokens(said)
    assert passes == [1] * (len(expected) + 1)
    passes.clear()
    model.tokens(said, expected)
    assert passes == [len(expected) + 1]
    passes.clear()
    model.tokens(said, expected[:-3])
    assert passes == [len(expected) - 2, 1, 1, 1]


def test_of_a_part_of_the_utterance_the_tokens_are_a_guess_of_all(
    model: Model, said: Samples, expected: list[int], passes: list[int]
) -> None:
    part = model.tokens(said[: len(said) * 2 // 3])
    passes.clear()
    assert model.tokens(said, part) == expected
    assert len(passes) < len(expected) * 2 // 3


def test_audio_without_words_has_no_more_tokens_than_speech_could_have(model: Model) -> None:
    noise = np.random.default_rng(5).normal(0, 0.1, 2 * RATE).astype(np.float32)
    assert len(model.tokens(noise, [300] * 100)) <= 2 * TOKENS_A_SECOND
    assert model.tokens(noise[: RATE // 10], [300]) == []


def test_tokens_are_read_with_lengths_of_one_byte_and_of_two() -> None:
    long = b"x" * 300
    content = b"\x03abc\x00" + bytes([300 % 128 + 128, 300 // 128]) + long + b"\x02\xe2\x96"
    assert list(vocabulary(content)) == [b"abc", b"", long, b"\xe2\x96"]


def test_text_has_its_spaces_and_no_half_letters(model: Model) -> None:
    words = {token: n for n, token in enumerate(model._vocabulary)}
    ids = [words["▁Hello".encode()], words["▁world".encode()]]
    assert model.text(ids) == "Hello world"
    assert model.text([*ids, words[b"\xe2"], 10**6]) == "Hello world"
