"""Against transformers' own forward and logits processors, on a tiny model with random weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM
from transformers.generation.logits_process import RepetitionPenaltyLogitsProcessor, TopPLogitsWarper

from vflow_nodes.chat.decoder import Decoder, choose, penalise

SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
}


@pytest.fixture(scope="module")
def tiny() -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZES)).eval()


def reference(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
    return logits


def test_a_rewound_cache_gives_the_logits_of_a_fresh_forward(tiny: Any) -> None:
    decoder = Decoder(tiny)
    first, second = [1, 2, 3, 4, 5, 6], [1, 2, 3, 9, 8]
    assert decoder.rewind(first) == first
    torch.testing.assert_close(decoder.feed(first), reference(tiny, first))
    torch.testing.assert_close(decoder.feed([7]), reference(tiny, [*first, 7]))
    assert decoder.rewind(second) == [9, 8]
    assert decoder.length == 3
    decoder.feed([9])
    torch.testing.assert_close(decoder.feed([8]), reference(tiny, second))


def test_a_prompt_that_is_cached_whole_is_fed_its_last_token_again(tiny: Any) -> None:
    decoder = Decoder(tiny)
    decoder.feed([1, 2, 3, 4])
    assert decoder.rewind([1, 2, 3]) == [3]
    torch.testing.assert_close(decoder.feed([3]), reference(tiny, [1, 2, 3]))


def test_a_failed_forward_leaves_no_torn_cache(tiny: Any) -> None:
    decoder = Decoder(tiny)
    decoder.feed([1, 2, 3])
    with pytest.raises(IndexError):
        decoder.feed([10_000])
    assert decoder.rewind([1, 2, 3]) == [1, 2, 3]
    torch.testing.assert_close(decoder.feed([1, 2, 3]), reference(tiny, [1, 2, 3]))


def test_a_sliding_window_that_has_moved_on_is_computed_anew() -> None:
    torch.manual_seed(0)
    model = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=8)).eval()
    decoder, ids = Decoder(model), [i % 60 + 1 for i in range(30)]
    decoder.feed(ids)
    for token in (5, 6, 7):
        decoder.feed([token])
    prompt = [*ids[:20], 40, 41]
    torch.testing.assert_close(decoder.feed(decoder.rewind(prompt)), reference(model, prompt))


def test_the_penalty_is_that_of_transformers() -> None:
    logits, ids = torch.linspace(-3, 3, 20), [1, 18, 18, 4]
    expected = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([ids]), logits[None].clone())[0]
    torch.testing.assert_close(penalise(logits, ids, 1.3), expected)


@pytest.mark.parametrize("top_p", [0.0, 0.3, 0.9, 1.0])
def test_only_the_nucleus_is_drawn_from(top_p: float) -> None:
    logits = torch.tensor([0.0, 2.0, 1.0, -1.0, 1.5])
    warped = TopPLogitsWarper(top_p)(torch.tensor([[0]]), logits[None].clone())[0]
    allowed = {int(i) for i in torch.isfinite(warped).nonzero()}
    random = torch.Generator().manual_seed(1)
    assert {choose(logits, 1.0, top_p, random) for _ in range(400)} == allowed


def test_draws_have_the_shares_of_the_softmax() -> None:
    logits, random, n = torch.tensor([0.0, 1.0, 2.0]), torch.Generator().manual_seed(2), 4000
    drawn = torch.bincount(torch.tensor([choose(logits, 0.7, 1.0, random) for _ in range(n)]), minlength=3)
    torch.testing.assert_close(drawn / n, torch.softmax(logits / 0.7, 0), atol=0.03, rtol=0)
