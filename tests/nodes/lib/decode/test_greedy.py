"""Greedy replies are those of transformers' `generate`, token for token, whatever shares the device."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import pytest
import torch

from tests.nodes.lib.decode.models import FAMILIES, ids, running, taken, text_of, tiny, tokens_of, vocabulary
from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

# that penalty and n-grams regard the reply alone is what is meant
pytestmark = pytest.mark.filterwarnings("ignore:Passing `.*` with `inputs_embeds`:UserWarning")
LIMIT = 64
ENDS = (2, 20, 37, 54, 71, 88, 105, 122, 139)
"""Tokens that end a reply: so many that random models meet one."""
FREE: dict[str, Any] = {"repetition_penalty": 1.0, "no_repeat_ngram": 0, "min_tokens": 0}
PROCESSORS: dict[str, dict[str, Any]] = {
    "none": FREE,
    "penalty": {**FREE, "repetition_penalty": 1.3},
    "no 2-gram twice": {**FREE, "no_repeat_ngram": 2},
    "no 3-gram twice": {**FREE, "no_repeat_ngram": 3},
    "no 4-gram twice": {**FREE, "no_repeat_ngram": 4},
    "minimum": {**FREE, "repetition_penalty": 1.1, "min_tokens": 40},
    "all": {"repetition_penalty": 1.15, "no_repeat_ngram": 3, "min_tokens": 20},
}
PROMPTS = [(11, 1), (12, 9), (13, 70)]
"""Seeds and lengths."""


def sampling(name: str) -> Sampling:
    return Sampling(temperature=0, min_words=0, max_tokens=LIMIT, **PROCESSORS[name])


@cache
def generated(family: str, processors: str, prompt: tuple[int, int], ends: tuple[int, ...]) -> list[int]:
    """Return the reply of transformers, without the token that ended it."""
    model, settings = tiny(family), PROCESSORS[processors]
    embeds = model.get_input_embeddings()(torch.tensor([ids(*prompt)]))
    made: list[int] = model.generate(
        inputs_embeds=embeds,
        attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long),
        do_sample=False,
        max_new_tokens=LIMIT,
        repetition_penalty=settings["repetition_penalty"],
        no_repeat_ngram_size=settings["no_repeat_ngram"],
        min_new_tokens=settings["min_tokens"],
        eos_token_id=list(ends),
    )[0].tolist()
    return made[:-1] if made[-1] in ends else made


def cases(family: str, ends: tuple[int, ...] = ENDS) -> list[tuple[str, tuple[int, int]]]:
    """Return the cases: for one family every processor with every prompt, for others with one prompt."""
    if family == "llama" and ends == ENDS:
        return list(itertools.product(PROCESSORS, PROMPTS))
    return list(zip(PROCESSORS, itertools.cycle(PROMPTS), strict=False))


@pytest.mark.parametrize(
    ("family", "ends"), [*((family, ENDS) for family in FAMILIES), ("llama", (2,)), ("qwen3", (2,))]
)
def test_reply_equals_that_of_generate_alone_and_beside_others(family: str, ends: tuple[int, ...]) -> None:
    expected = {case: generated(family, *case, ends) for case in cases(family, ends)}
    with running(tiny(family), vocabulary(ends)) as engine:
        session = DecodeSession(engine)
        for case, tokens in expected.items():
            assert tokens_of(session.generate(Prompt(ids(*case[1])), sampling(case[0]))) == tokens, case
        session.close()
        replies = {
            case: DecodeSession(engine).generate(Prompt(ids(*case[1])), sampling(case[0]), patience_s=60)
            for case in expected
        }
        for case, reply in replies.items():
            assert tokens_of(reply) == expected[case], case
        assert engine.stats()["steps"] < 0.75 * engine.stats()["tokens"], "they had company"
    lengths = {len(tokens) for tokens in expected.values()}
    assert len(lengths) > 2
    assert max(lengths) > 20


@pytest.mark.parametrize(("chunk", "alone"), [(1, 2), (7, 7), (3, 64)])
@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_prompt_in_parts_gets_the_reply_of_the_whole_prompt(family: str, chunk: int, alone: int) -> None:
    with running(tiny(family), vocabulary(ENDS), chunk=chunk, alone=alone) as engine:
        replies = {
            case: DecodeSession(engine).generate(Prompt(ids(*case[1])), sampling(case[0]), patience_s=60)
            for case in cases(family)[-6:]
        }
        for case, reply in replies.items():
            assert tokens_of(reply) == generated(family, *case, ENDS), case


def test_embeddings_get_the_reply_of_their_tokens() -> None:
    prompt = (13, 70)
    tokens, table = ids(*prompt), tiny().get_input_embeddings().weight
    audio = Embeds(50, lambda: table[tokens[10:60]])
    with running(tiny(), vocabulary(ENDS), chunk=16, alone=16) as engine:
        reply = DecodeSession(engine).generate(Prompt([*tokens[:10], audio, *tokens[60:]]), sampling("all"))
        assert tokens_of(reply) == generated("llama", "all", prompt, ENDS)


def test_words_are_those_of_the_tokens() -> None:
    words = vocabulary(ENDS)
    with running(tiny(), words) as engine:
        reply = DecodeSession(engine).generate(Prompt(ids(12, 9)), sampling("minimum"))
        said = [word.text for word in taken(reply)]
    assert reply.stop_reason == "eos"
    assert " ".join(said) == " ".join(
        w for w in text_of(words, reply.tokens).replace("*", "").split() if w.strip("-")
    )
