from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.nodes.lib.decode.models import ids, tiny, tokens_of, vocabulary
from vflow_nodes.lib.decode.build import Options, build, warm_up
from vflow_nodes.lib.decode.errors import Unsupported
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

WORDS = vocabulary()


@pytest.mark.parametrize("slots", [0, -1, 65])
def test_a_number_of_slots_out_of_bounds_is_refused(slots: int) -> None:
    with pytest.raises(Unsupported, match=rf"^slots is {slots}; it goes from 1 to 64$"):
        build(tiny(), WORDS, Options(slots=slots))


def test_triton_is_refused_on_a_cpu_and_what_mends_it_is_said() -> None:
    expected = r"^kernels: triton cannot run here: they run on CUDA; set kernels: auto$"
    with pytest.raises(Unsupported, match=expected):
        build(tiny(), WORDS, Options(kernels="triton"))


def test_8_bits_are_refused_for_an_architecture_that_the_engine_does_not_know() -> None:
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=1, vocab_size=9))
    with pytest.raises(
        Unsupported, match=r"^dtype int8: the engine runs llama, mistral, qwen2, qwen3 decoders"
    ):
        build(model, vocabulary(), Options(int8=True))


@pytest.mark.parametrize(
    ("options", "weights", "kernels", "threads"),
    [
        (Options(slots=2, context=64, threads=1), "float32", "tuned", 1),
        (Options(slots=2, context=64, int8=True), "int8", "torch", None),
    ],
)
def test_stats_say_what_is_in_effect(
    options: Options, weights: str, kernels: str, threads: int | None
) -> None:
    stats = build(tiny(), WORDS, options).stats()
    found: dict[str, Any] = {
        name: stats[name] for name in ("device", "dtype", "weights", "kernels", "graphs")
    }
    assert found == {
        "device": "cpu",
        "dtype": "float32",
        "weights": weights,
        "kernels": kernels,
        "graphs": False,
    }
    assert stats["threads"] == (threads or torch.get_num_threads())
    assert stats["cache_bytes"] == 2 * (2 + 1) * (64 + 512) * 2 * 2 * 24 * 4
    assert (stats["slots"], stats["busy"], stats["steps"]) == (2, 0, 0)


def test_the_engine_computes_with_the_threads_that_it_was_given() -> None:
    before = torch.get_num_threads()
    engine = build(tiny(), WORDS, Options(slots=2, context=64, threads=before + 2)).start()
    try:
        assert engine.call(torch.get_num_threads).result(20) == before + 2
    finally:
        engine.close()


def test_an_engine_in_8_bits_answers_after_it_was_warmed_up() -> None:
    engine = build(tiny(), WORDS, Options(slots=2, context=64, int8=True)).start()
    try:
        warm_up(engine, 2, 32)
        reply = DecodeSession(engine).generate(Prompt(ids(1, 9)), Sampling(min_tokens=12, max_tokens=12))
        assert len(tokens_of(reply)) == 12
    finally:
        engine.close()
