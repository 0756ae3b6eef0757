"""Architectures that the engine does not know run through transformers' own pass, with the same replies."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BambaConfig,
    BambaForCausalLM,
    BertConfig,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    MambaConfig,
    MambaForCausalLM,
    OpenAIGPTConfig,
    RwkvConfig,
)

from tests.nodes.lib.decode.models import LAGS, SIZES, ids, running, scripted, tokens_of, vocabulary
from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.errors import Unsupported
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession
from vflow_nodes.lib.decode.transformers_model import AnyModel

WORDS = vocabulary((2, 31, 77, 120))
LIMIT = 30
KINDS = ["gpt2", "gemma2", "mamba", "bamba"]
"""Gemma 2 has layers with a sliding window, whose caches cannot go back; nor can the states of Mamba, and of
Bamba, which has attention besides."""
STATES: dict[str, Any] = {
    "state_size": 8,
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "attn_layer_indices": [1],
}


@cache
def tiny(kind: str) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        if kind == "gpt2":
            config = GPT2Config(
                n_layer=2, n_embd=64, n_head=4, vocab_size=SIZES["vocab_size"], n_positions=256
            )
            model: Any = GPT2LMHeadModel(config)
        elif kind == "mamba":
            model = MambaForCausalLM(MambaConfig(**{**SIZES, **STATES}))
        elif kind == "bamba":
            model = BambaForCausalLM(BambaConfig(**{**SIZES, **STATES}))
        else:
            model = Gemma2ForCausalLM(Gemma2Config(**{**SIZES, "sliding_window": 16}))
        for name, parameter in model.eval().requires_grad_(False).named_parameters():
            if "norm" not in name and "ln" not in name and parameter.ndim > 1 and "A_log" not in name:
                parameter.normal_(0.0, 1.0 if "wte" in name or "embed" in name else 0.2)
    return model


def greedy(tokens: int = LIMIT) -> Sampling:
    return Sampling(
        temperature=0, repetition_penalty=1, no_repeat_ngram=0, min_words=0, min_tokens=0, max_tokens=tokens
    )


@cache
def generated(kind: str, prompt: tuple[int, ...]) -> list[int]:
    made: list[int] = (
        tiny(kind)
        .generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=LIMIT,
            eos_token_id=sorted(WORDS.ends),
            pad_token_id=0,
        )[0, len(prompt) :]
        .tolist()
    )
    return made[:-1] if made[-1] in WORDS.ends else made


PROMPTS = [tuple(ids(seed, length)) for seed, length in ((1, 1), (2, 9), (3, 40), (4, 70))]


@pytest.mark.parametrize("kind", KINDS)
def test_replies_are_those_of_generate_alone_in_company_and_in_parts(kind: str) -> None:
    with running(tiny(kind), WORDS, chunk=7, alone=20) as engine:
        assert engine.device.rewinds == (kind == "gpt2")
        for prompt in PROMPTS:
            session = DecodeSession(engine)
            assert tokens_of(session.generate(Prompt(prompt), greedy())) == generated(kind, prompt)
            session.close()
        replies = [DecodeSession(engine).generate(Prompt(prompt), greedy()) for prompt in PROMPTS]
        for prompt, reply in zip(PROMPTS, replies, strict=True):
            assert tokens_of(reply) == generated(kind, prompt)


@LAGS
@pytest.mark.parametrize("kind", KINDS)
def test_a_conversation_that_goes_on_or_back_is_answered_as_a_fresh_one(kind: str, lag: bool) -> None:
    device = build(tiny(kind), WORDS, Options(slots=2, context=256)).device
    with scripted(device, WORDS, lag=lag) as engine:
        session, prompt = DecodeSession(engine), PROMPTS[2]
        for keep in (999, 60, 999, 10):
            session.prefill(Prompt(prompt))
            reply = session.generate(Prompt(prompt), greedy())
            assert tokens_of(reply) == generated(kind, prompt)
            prompt = (*(*prompt, *reply.tokens)[:keep], *ids(keep, 8))


@pytest.mark.parametrize("kind", KINDS)
@LAGS
def test_a_reply_that_was_cut_is_gone_on_from_as_a_fresh_one(kind: str, lag: bool) -> None:
    device = build(tiny(kind), WORDS, Options(slots=1, context=256)).device
    with scripted(device, WORDS, lag=lag) as engine:
        session = DecodeSession(engine)
        for taken in range(1, 8):
            reply = session.generate(Prompt(PROMPTS[1]), greedy())
            words = reply.words(patience_s=20.0)
            for _ in range(taken):
                next(words, None)
            reply.cancel()
            assert not any(words)
            follow = (*PROMPTS[1], *reply.tokens)
            assert tokens_of(session.generate(Prompt(follow), greedy())) == generated(kind, follow)


SMALL = {"vocab_size": 160, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
REFUSED = {
    "bert": (BertConfig(**SMALL, intermediate_size=32), "they do not go on from what they have read"),
    "openai-gpt": (OpenAIGPTConfig(vocab_size=160, n_embd=32, n_layer=1, n_head=2), "they take no cache"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_that_does_not_go_on_from_a_cache_is_refused_by_name(kind: str) -> None:
    config, why = REFUSED[kind]
    model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.requires_grad_(False).parameters():
        parameter.normal_(0.0, 0.2)
    with pytest.raises(Unsupported, match=rf"cannot run '{kind}' models: {why}; set 'model' to one"):
        AnyModel(model, slots=1, context=64)


def test_a_state_that_a_pass_returns_is_gone_on_from() -> None:
    config = RwkvConfig(vocab_size=160, hidden_size=32, num_hidden_layers=2, attention_hidden_size=32)
    model = AutoModelForCausalLM.from_config(config).eval()
    states = AnyModel(model, slots=1, context=64)
    prompt = torch.tensor(ids(5, 20))
    with torch.inference_mode():
        whole = model(input_ids=prompt[None]).logits[0, -1:]
        states.prefill(0, 0, prompt[:9, None])
        states.prefill(1, 0, prompt[4:, None])
        found = states.prefill(0, 9, prompt[9:, None])
    assert not states.rewinds
    torch.testing.assert_close(found, whole, atol=1e-4, rtol=1e-4)
