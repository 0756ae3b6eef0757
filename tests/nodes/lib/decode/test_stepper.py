from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples, ids, tiny, vocabulary
from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.sampling import Sampling, Tuning
from vflow_nodes.lib.decode.stepper import Stepper, bucket, buckets


def stepper(slots: int = 4, context: int = 512) -> Stepper:
    device = build(tiny(), vocabulary(), Options(slots=slots, context=context, kernels="torch")).device
    assert isinstance(device, Stepper)
    return device


def free(seed: int = 0, **settings: float) -> Sampling:
    return Sampling(min_words=0, min_tokens=0, seed=seed, **settings)  # type: ignore[arg-type]


def begin(device: Stepper, slot: int, tokens: Sequence[int], sampling: Sampling) -> int:
    device.prefill(slot, Prompt(tokens), 0, len(tokens))
    return device.first(slot, len(tokens), sampling).read()[0]


def alone(tokens: Sequence[int], sampling: Sampling, steps: int) -> list[int]:
    device = stepper()
    drawn = [begin(device, 0, tokens, sampling)]
    for n in range(steps):
        drawn += device.step([0], len(tokens) + n, greedy=sampling.temperature == 0).read()
    return drawn


def test_each_row_draws_the_same_tokens_alone_and_beside_others() -> None:
    settings = [
        free(seed=1, temperature=0.0),
        free(seed=2, temperature=0.9, no_repeat_ngram=0),
        free(seed=3, temperature=1.4, top_k=5, repetition_penalty=1.0),
        free(seed=3, temperature=0.0, no_repeat_ngram=1),
    ]
    prompts = [ids(n, 4 + 7 * n) for n in range(4)]
    device = stepper()
    order = [2, 0, 3, 1]
    drawn = {slot: [begin(device, slot, prompts[slot], settings[slot])] for slot in order}
    for n in range(20):
        longest = len(prompts[3]) + n
        for slot, token in zip(order, device.step(order, longest, greedy=False).read(), strict=True):
            drawn[slot].append(token)
    for slot in order:
        assert drawn[slot] == alone(prompts[slot], settings[slot], 20)


def test_rows_may_come_and_go_between_steps() -> None:
    device, sampling = stepper(), free(temperature=0.0)
    prompts = [ids(n, 6) for n in range(3)]
    drawn = {0: [begin(device, 0, prompts[0], sampling)], 1: [begin(device, 1, prompts[1], sampling)]}
    for n in range(12):
        rows = [[0, 1], [1], [0], [1, 0, 2]][n % 4]
        if n == 3:
            drawn[2] = [begin(device, 2, prompts[2], sampling)]
        for slot, token in zip(rows, device.step(rows, 6 + n, greedy=True).read(), strict=True):
            drawn[slot].append(token)
    for slot, tokens in drawn.items():
        assert tokens == alone(prompts[slot], sampling, len(tokens) - 1)


def test_changed_settings_apply_from_the_next_step_on() -> None:
    device, tokens, strict = stepper(), ids(1, 6), free(temperature=0.0, no_repeat_ngram=1)
    plain = free(temperature=0.0, no_repeat_ngram=0, repetition_penalty=1.0)
    drawn = [begin(device, 0, tokens, plain)]
    drawn += device.step([0], 6, greedy=True).read()
    device.tune(0, Tuning(strict, tuple(drawn), 1))
    for n in range(1, 9):
        drawn += device.step([0], 6 + n, greedy=True).read()
    assert drawn[:2] == alone(tokens, plain, 1)
    assert len(set(drawn[1:])) == 9


def test_embeddings_and_tokens_of_a_prompt_are_computed_in_their_order() -> None:
    tokens, table = ids(4, 30), tiny().get_input_embeddings().weight
    device, sampling = stepper(), free(temperature=0.0)
    parts: list[int | Embeds] = [
        *tokens[:3],
        Embeds(9, lambda: table[tokens[3:12]]),
        Embeds(4, lambda: table[tokens[12:16]]),
        *tokens[16:],
    ]
    prompt = Prompt(parts)
    for start, stop in ((0, 2), (2, 5), (5, 14), (14, 30)):
        device.prefill(1, prompt, start, stop)
    drawn = [*device.first(1, 30, sampling).read(), *device.step([1], 30, greedy=True).read()]
    assert drawn == alone(tokens, sampling, 1)


@examples(200)
@given(st.integers(1, 140_000), st.integers(0, 140_000), st.data())
def test_every_size_that_a_reply_may_need_is_among_those_that_are_warmed_up(
    context: int, longest: int, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, min(longest, context - 1)))
    assert bucket(position, context) in (sizes := buckets(longest, context))
    assert position < bucket(position, context) <= context
    assert sizes == sorted(set(sizes))


def test_warming_up_changes_nothing_of_a_reply_that_goes_on() -> None:
    device, sampling = stepper(), free(seed=5, temperature=1.0)
    tokens = ids(6, 10)
    drawn = [begin(device, 0, tokens, sampling)]
    for n in range(10):
        device.warm_up(4, 200)
        drawn += device.step([0], 10 + n, greedy=False).read()
    assert drawn == alone(tokens, sampling, 10)
    assert device.graphs == 0, "there are none on the CPU"


def test_a_step_leaves_no_tensor_and_no_object_behind() -> None:
    device, sampling = stepper(slots=2, context=1000), free(temperature=0.7)
    for slot in range(2):
        begin(device, slot, ids(slot, 8), sampling)
    at = 8

    def run(steps: int) -> None:
        nonlocal at
        for _ in range(steps):
            device.step([0, 1], at, greedy=False).read()
            at += 1

    def tensors() -> tuple[int, int]:
        gc.collect()
        found = [o for o in gc.get_objects() if issubclass(type(o), torch.Tensor)]
        return len(found), sum(t.untyped_storage().nbytes() for t in found)

    def blocks() -> int:
        gc.collect()
        return sum(entry.count for entry in tracemalloc.take_snapshot().statistics("filename"))

    run(100)
    before = tensors()
    tracemalloc.start()
    try:
        run(20)
        counts = [blocks()]
        for _ in range(3):
            run(200)
            counts.append(blocks())
    finally:
        tracemalloc.stop()
    assert tensors() == before
    grown = [after - earlier for earlier, after in itertools.pairwise(counts)]
    # a leak is a block a step at least, each time; the interpreter's free lists grow now and then
    assert min(grown) < 100, grown
