"""Against transformers' own audio embeddings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, VoxtralForConditionalGeneration

from tests.nodes.generator.voxtral.recordings import speech, windows
from vflow_nodes.generator.voxtral.encoder import AudioEncoder, audio_modules
from vflow_nodes.generator.voxtral.mel import Array
from vflow_nodes.lib.decode.errors import Unsupported

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def model_of(weights: Path, dtype: torch.dtype = torch.float32) -> Any:
    return VoxtralForConditionalGeneration.from_pretrained(weights, dtype=dtype).eval()


@pytest.fixture(scope="module")
def model(weights: Path) -> Any:
    return model_of(weights)


@pytest.fixture(scope="module")
def encoder(weights: Path) -> AudioEncoder:
    return AudioEncoder(model_of(weights), "cpu", torch.float32)


def expected(model: Any, mel: Array) -> torch.Tensor:
    with torch.inference_mode():
        embeddings: torch.Tensor = model.get_audio_features(torch.from_numpy(mel)).pooler_output
    return embeddings


def test_one_window_gives_the_embeddings_of_transformers(model: Any, encoder: AudioEncoder) -> None:
    mel = windows(speech(3.0))
    made = encoder.encode(mel)
    assert made.shape == (375, 64)
    torch.testing.assert_close(made, expected(model, mel), rtol=0, atol=0)


def test_many_windows_give_the_embeddings_of_each(
    model: Any, encoder: AudioEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vflow_nodes.generator.voxtral.encoder.BATCH", 2)
    mel = np.concatenate([windows(speech(1.0, seed)) for seed in range(3)])
    made = encoder.encode(torch.from_numpy(mel))
    assert made.shape == (3 * 375, 64)
    for index in range(3):
        alone = expected(model, mel[index : index + 1])
        torch.testing.assert_close(made[375 * index : 375 * (index + 1)], alone, rtol=1e-5, atol=1e-5)


def test_no_window_gives_no_embedding(encoder: AudioEncoder) -> None:
    assert encoder.encode(np.empty((0, 128, 3000), np.float32)).shape == (0, 64)


def test_half_precision_rounds_as_from_pretrained(weights: Path) -> None:
    mel = windows(speech(1.0))
    made = AudioEncoder(model_of(weights), "cpu", torch.bfloat16).encode(mel)
    assert made.dtype == torch.bfloat16
    torch.testing.assert_close(made, expected(model_of(weights, torch.bfloat16), mel), rtol=0, atol=0)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_attention_is_the_one_asked_for(weights: Path, attention: str) -> None:
    model = model_of(weights)
    encoder = AudioEncoder(model, "cpu", torch.float32, attention=attention)
    assert audio_modules(model)[0].config._attn_implementation == encoder.attention == attention
    mel = windows(speech(1.0))
    torch.testing.assert_close(encoder.encode(mel), expected(model_of(weights), mel), rtol=1e-4, atol=1e-4)


def test_missing_needs_of_flash_attention_are_named(weights: Path) -> None:
    with pytest.raises(
        Unsupported, match=r"^no flash_attention_2: .*on CUDA devices alone.*; set 'attention: sdpa'"
    ) as caught:
        AudioEncoder(model_of(weights), "cpu", torch.float32, attention="flash_attention_2")
    assert "not float32" in str(caught.value)
    missing = importlib.util.find_spec("flash_attn") is None
    assert ("pip install flash-attn" in str(caught.value)) == missing


def test_an_unknown_attention_is_refused(weights: Path) -> None:
    with pytest.raises(Unsupported, match="one of eager, sdpa, flash_attention_2, not 'flash'"):
        AudioEncoder(model_of(weights), "cpu", torch.float32, attention="flash")


def test_another_architecture_is_refused() -> None:
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
        )
    )
    with pytest.raises(Unsupported, match="LlamaForCausalLM has no audio tower"):
        audio_modules(llama)


def test_the_modules_are_found_where_older_transformers_keep_them(model: Any) -> None:
    class Old:
        audio_tower = model.model.audio_tower
        multi_modal_projector = model.model.multi_modal_projector

    assert audio_modules(Old()) == audio_modules(model)


@pytest.mark.parametrize("shape", [(128, 3000), (1, 128, 2999), (1, 80, 3000)])
def test_a_mel_of_another_shape_is_refused(encoder: AudioEncoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(n, 128, 3000\), not"):
        encoder.encode(np.zeros(shape, np.float32))


def test_layers_that_cannot_be_compiled_stay_as_they_are_and_the_reason_is_kept(
    weights: Path, model: Any
) -> None:
    encoder = AudioEncoder(model_of(weights), "cpu", torch.float32)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no C compiler found\nat all")

    for layer in encoder._tower.layers:  # as Module.compile leaves one, with a compiler that is not there
        layer.compile = lambda dynamic, layer=layer: setattr(layer, "_compiled_call_impl", broken)
    encoder.compiled = True  # asked for where there is a CUDA device
    encoder.warm_up()
    assert not encoder.compiled
    assert encoder.problem == "RuntimeError: no C compiler found"
    mel = windows(speech(1.0))
    torch.testing.assert_close(encoder.encode(mel), expected(model, mel), rtol=0, atol=0)


def test_capture_changes_nothing_without_cuda(weights: Path, model: Any) -> None:
    encoder = AudioEncoder(model_of(weights), "cpu", torch.float32, capture=True)
    encoder.warm_up()
    assert not encoder.captured
    mel = windows(speech(1.0))
    torch.testing.assert_close(encoder.encode(mel), expected(model, mel), rtol=0, atol=0)


@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_captured_encoder_equals_the_eager_one(weights: Path, dtype: torch.dtype) -> None:
    mel = np.concatenate([windows(speech(1.0, seed)) for seed in range(3)])
    eager = AudioEncoder(model_of(weights), "cuda", dtype)
    graph = AudioEncoder(model_of(weights), "cuda", dtype, capture=True)
    graph.warm_up()
    assert graph.captured
    for index in range(3):
        window = mel[index : index + 1]
        torch.testing.assert_close(graph.encode(window), eager.encode(window), rtol=0, atol=0)
    assert graph.encode(mel).shape == (3 * 375, 64)
