from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    Qwen2Config,
)

from tests.nodes.lib.decode.models import FAMILIES, SIZES, examples, ids, tiny
from tests.voxtral_checkpoint import model as voxtral
from vflow_nodes.lib.decode.errors import Unsupported
from vflow_nodes.lib.decode.forward import LlamaModel
from vflow_nodes.lib.decode.weights import Int8, adapt, quantise, to_int8

SMALL: dict[str, Any] = {**SIZES, "num_hidden_layers": 1}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_whose_matrices_became_views_still_computes_what_it_did(family: str) -> None:
    config, model_of, changes = FAMILIES[family]
    torch.manual_seed(4)
    model = model_of(config(**{**SIZES, **changes})).eval()
    tokens = torch.tensor([ids(3, 20)])
    with torch.inference_mode():
        before = model(input_ids=tokens).logits
    weights = adapt(model)
    with torch.inference_mode():
        torch.testing.assert_close(model(input_ids=tokens).logits, before)
    attention, layer = model.model.layers[0].self_attn, weights.layers[0]
    assert isinstance(layer.qkv, torch.Tensor)
    assert layer.qkv.data_ptr() == attention.q_proj.weight.data_ptr()
    rows = attention.q_proj.weight.shape[0]
    assert layer.qkv[rows].data_ptr() == attention.k_proj.weight.data_ptr()


def test_weights_share_the_model_s_memory() -> None:
    model = LlamaForCausalLM(LlamaConfig(**SIZES)).eval()
    weights = adapt(model)
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    for layer in weights.layers:
        for matrix in (layer.qkv, layer.out, layer.gate_up, layer.down):
            assert isinstance(matrix, torch.Tensor)
            assert matrix.untyped_storage().data_ptr() in storages
    parameters = sum(p.numel() * p.element_size() for p in model.parameters())
    assert sum(storages.values()) == parameters


def test_a_tied_head_is_the_embedding() -> None:
    weights = adapt(tiny("llama, tied"))
    assert isinstance(weights.head, torch.Tensor)
    assert weights.head.data_ptr() == weights.embedding.data_ptr()


def test_the_decoder_inside_a_voxtral_is_found() -> None:
    model = voxtral()
    weights = adapt(model)
    assert weights.shape.layers == model.config.text_config.num_hidden_layers
    assert weights.embedding.data_ptr() == model.get_input_embeddings().weight.data_ptr()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=1, vocab_size=9)), "not 'gpt2'"),
        (lambda: Gemma2ForCausalLM(Gemma2Config(**SMALL)), "not 'gemma2'"),
    ],
    ids=["gpt2", "gemma2"],
)
def test_another_architecture_is_refused_and_the_ones_that_run_are_named(model: Any, reason: str) -> None:
    with pytest.raises(
        Unsupported, match=rf"^the engine runs llama, mistral, qwen2, qwen3 decoders, {reason}$"
    ):
        adapt(model())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "gelu"}, "runs SiLU networks, not 'gelu'"),
        ({"mlp_bias": True}, "runs gated networks without a bias"),
        (
            {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}},
            "runs fixed rotary positions, not 'dynamic'",
        ),
    ],
)
def test_a_llama_of_another_kind_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        adapt(LlamaForCausalLM(LlamaConfig(**{**SMALL, **changes})))


@pytest.mark.parametrize(
    ("config", "window"),
    [
        (MistralConfig(**SMALL, sliding_window=100), 100),
        (MistralConfig(**SMALL, sliding_window=None), 1024),
        (Qwen2Config(**SMALL, use_sliding_window=False, sliding_window=100), 1024),
        (LlamaConfig(**SMALL), 1024),
    ],
)
def test_a_sliding_window_bounds_what_a_slot_may_hold(config: Any, window: int) -> None:
    _, model_of, _ = FAMILIES[config.model_type]
    weights = adapt(model_of(config))
    assert weights.shape.window == window
    assert LlamaModel(weights, 1, 5000).context == window


def test_a_step_reads_every_matrix_once_and_the_cache() -> None:
    model = tiny()
    weights = adapt(model)
    read = sum(
        p.numel() for name, p in model.named_parameters() if "norm" not in name and "embed" not in name
    )
    assert weights.step_bytes() == 4 * read
    assert weights.step_bytes(context=10) - weights.step_bytes() == 2 * 10 * 2 * 2 * 24 * 4


@examples(50)
@given(
    st.integers(0, 2**31),
    st.integers(1, 6),
    st.integers(1, 40),
    st.sampled_from([1e-6, 1.0, 3e4]),
    st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_an_entry_in_8_bits_is_off_by_at_most_half_of_its_rows_scale(
    seed: int, rows: int, columns: int, size: float, dtype: torch.dtype
) -> None:
    matrix = (torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * size).to(dtype)
    narrow = to_int8(matrix)
    assert narrow.weight.dtype == torch.int8
    torch.testing.assert_close(narrow.scale, matrix.abs().amax(1).float() / 127)
    error = (narrow.weight.double() * narrow.scale.double()[:, None] - matrix.double()).abs()
    assert (error <= narrow.scale.double()[:, None] * (0.5 + 1e-5)).all()


def test_a_row_of_zeros_stays_zero() -> None:
    narrow = to_int8(torch.zeros(2, 3))
    assert not narrow.weight.any()
    assert torch.isfinite(narrow.scale).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_in_8_bits_are_off_by_a_few_percent_and_the_model_stays_as_it_was(family: str) -> None:
    weights = adapt(tiny(family))
    narrow = quantise(weights)
    assert all(isinstance(m, Int8) for m in narrow.matrices)
    assert isinstance(narrow.head, Int8)
    assert not isinstance(weights.head, Int8)
    assert narrow.embedding is weights.embedding
    assert narrow.step_bytes() < 0.3 * weights.step_bytes()
    x = weights.embedding[torch.tensor(ids(5, 30))]
    exact, rounded = (LlamaModel(w, 1, 64).prefill(0, 0, x) for w in (weights, narrow))
    assert (rounded - exact).norm() / exact.norm() < 0.05


def test_quantising_twice_changes_nothing() -> None:
    once = quantise(adapt(tiny()))
    again = quantise(once)
    assert again.head is once.head
