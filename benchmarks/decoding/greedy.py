"""Compare whole replies of an engine, token by token, with those of transformers' `generate`."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from decoding.record import Record
from decoding.setting import Setting, endless
from decoding.sizes import random_ids

from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

CONTEXT = 768
PROCESSORS = {
    "plain": {"repetition_penalty": 1.0, "no_repeat_ngram": 0},
    "penalty and n-grams": {"repetition_penalty": 1.15, "no_repeat_ngram": 3},
}


def greedy(record: Record, setting: Setting, exact: bool) -> None:
    """Compare replies of an engine, alone and several at once, with `generate`. With `exact` all tokens must
    be the same; else only count how many are."""
    tokens = setting.pick(64, 24)
    prompts = [random_ids(setting.size, length, setting.seed + length) for length in (5, 60, 300)]
    engine = setting.engine(len(prompts), CONTEXT)
    try:
        for name, processors in PROCESSORS.items():
            sampling = endless(tokens, temperature=0, min_words=0, **processors)
            expected = [generated(setting, prompt, sampling) for prompt in prompts]
            for company, found in (
                ("alone", [replies(engine, [prompt], sampling)[0] for prompt in prompts]),
                ("together", replies(engine, prompts, sampling)),
            ):
                same = [common(one, other) for one, other in zip(found, expected, strict=True)]
                record.check(
                    f"{setting.size.name} {setting.named}: greedy = generate, {name}, {company}",
                    found == expected if exact else all(len(reply) == tokens for reply in found),
                    same_tokens=same,
                    of=tokens,
                    different_tokens=[len(set(reply)) for reply in expected],
                )
    finally:
        engine.close()


def replies(engine: Any, prompts: list[list[int]], sampling: Sampling) -> list[list[int]]:
    """Return the tokens of replies made at the same time."""
    sessions = [DecodeSession(engine) for _ in prompts]
    begun = [
        session.generate(Prompt(prompt), sampling) for session, prompt in zip(sessions, prompts, strict=True)
    ]
    for reply in begun:
        for _ in reply.words():
            pass
    for session in sessions:
        session.close()
    return [reply.tokens for reply in begun]


def generated(setting: Setting, prompt: list[int], sampling: Sampling) -> list[int]:
    """Return `generate`'s reply to embeddings, as for audio: then its penalty regards the reply alone."""
    embedded = setting.model.get_input_embeddings()(torch.tensor([prompt], device=setting.device))
    config = copy.copy(setting.model.generation_config)
    config.update(
        do_sample=False,
        repetition_penalty=sampling.repetition_penalty,
        no_repeat_ngram_size=sampling.no_repeat_ngram,
        min_new_tokens=sampling.min_tokens,
        max_new_tokens=sampling.max_tokens,
    )
    mask = torch.ones(embedded.shape[:2], dtype=torch.int64, device=setting.device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Passing .* with `inputs_embeds`")  # it is meant so
        out = setting.model.generate(inputs_embeds=embedded, attention_mask=mask, generation_config=config)
    ids: list[int] = out[0].tolist()
    return ids


def common(one: list[Any], other: list[Any]) -> int:
    """Count the equal items from the start of both."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
