"""Against transformers' own processors and warpers, on random logits and histories."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tests.nodes.lib.decode.models import examples
from vflow.props import props_of
from vflow_nodes.lib.decode.errors import Unsupported
from vflow_nodes.lib.decode.sampling import (
    CANDIDATES,
    LONGEST,
    Sampler,
    Sampling,
    SamplingState,
    Tuning,
    _wrapped,
    gumbel,
)
from vflow_nodes.lib.engine_generator import EngineGenerator

CPU = torch.device("cpu")
SIZE = 30
ENDS = (2, 7)


def sampler(size: int = SIZE, ends: tuple[int, ...] = ENDS) -> Sampler:
    """Return a sampler of a vocabulary in which every token is a word with a space before it."""
    nothing = torch.zeros(size, dtype=torch.bool)
    return Sampler((torch.ones(size, dtype=torch.int64), nothing, nothing), ends, CPU)


def state_of(histories: list[list[int]], settings: list[Sampling]) -> SamplingState:
    """Return a state whose slots have drawn these tokens."""
    state = SamplingState(len(histories), CPU)
    for slot, (history, sampling) in enumerate(zip(histories, settings, strict=True)):
        state.begin(slot, 5, sampling)
        state.history[slot, : len(history)] = torch.tensor(history, dtype=torch.int64)
        state.count[slot] = state.words[slot] = len(history)
    return state


def greedy(**changes: Any) -> Sampling:
    off: dict[str, Any] = {"repetition_penalty": 1.0, "no_repeat_ngram": 0, "min_words": 0, "min_tokens": 0}
    return Sampling(temperature=0, **{**off, **changes})


def drawn(logits: torch.Tensor, sampling: Sampling, seeds: int, history: list[int]) -> torch.Tensor:
    """Count how often each token is drawn, over this many seeds."""
    state = state_of([history] * seeds, [sampling] * seeds)
    state.whole[:seeds, -1] = torch.arange(seeds)
    chosen = sampler(len(logits)).draw(logits.expand(seeds, -1), state, torch.arange(seeds), False)
    return torch.bincount(chosen, minlength=len(logits))


histories = st.lists(st.integers(0, 5), max_size=24)
one = st.tuples(
    histories, st.integers(0, 2**32), st.sampled_from([1.0, 1.15, 3.0]), st.integers(0, 4), st.integers(0, 30)
)


@examples(100)
@given(st.lists(one, min_size=1, max_size=5))
def test_a_batch_chooses_among_the_tokens_that_transformers_processors_leave(rows: list[Any]) -> None:
    expected, logits, settings = [], [], []
    for history, seed, penalty, ngram, minimum in rows:
        scores = torch.randn(1, SIZE, generator=torch.Generator().manual_seed(seed)) * 3
        scores[:, :6] += 3  # else no processor would matter to most of the choices
        processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(penalty)])
        if ngram:
            processors.append(NoRepeatNGramLogitsProcessor(ngram))
        processors.append(MinNewTokensLengthLogitsProcessor(0, minimum, list(ENDS)))
        left = processors(torch.tensor([history], dtype=torch.int64), scores.clone())
        expected.append(int(left.argmax()))
        logits.append(scores)
        settings.append(greedy(repetition_penalty=penalty, no_repeat_ngram=ngram, min_tokens=minimum))
    state = state_of([row[0] for row in rows], settings)
    chosen = sampler().draw(torch.cat(logits), state, torch.arange(len(rows)), True)
    assert chosen.tolist() == expected
    assert state.tokens[: len(rows)].tolist() == expected
    for slot, (history, *_) in enumerate(rows):
        assert state.history[slot, : len(history) + 1].tolist() == [*history, expected[slot]]


@pytest.mark.parametrize("size", range(5))
@pytest.mark.parametrize("before", [0, 5])
def test_a_token_that_would_complete_an_n_gram_of_the_reply_is_not_taken(size: int, before: int) -> None:
    """After 0 1 2 (or 5 1 2) came 3, and 0 1 2 come again: only after 0 1 2 would 3 repeat four tokens."""
    state = state_of([[before, 1, 2, 3, 4, 0, 1, 2]], [greedy(no_repeat_ngram=size)])
    logits = torch.zeros(1, SIZE)
    logits[0, 3], logits[0, 9] = 5.0, 1.0
    repeats = 0 < size <= (4 if before == 0 else 3)
    assert sampler().draw(logits, state, torch.tensor([0]), True).item() == (9 if repeats else 3)


def test_rows_may_stand_in_any_slots() -> None:
    settings = [greedy(), greedy(min_tokens=9), greedy(no_repeat_ngram=1)]
    state = state_of([[3], [3], [3]], settings)
    logits = torch.zeros(3, SIZE)
    logits[:, 3], logits[:, 2], logits[:, 9] = 3.0, 4.0, 1.0
    assert sampler().draw(logits, state, torch.tensor([2, 0, 1]), True).tolist() == [2, 2, 3]
    assert state.tokens[:3].tolist() == [2, 3, 2]


@pytest.mark.parametrize("words", range(4))
def test_a_reply_does_not_end_before_its_words(words: int) -> None:
    state = state_of([[3] * words], [greedy(min_words=3)])
    logits = torch.zeros(1, SIZE)
    logits[0, 2], logits[0, 4] = 5.0, 1.0
    assert sampler().draw(logits, state, torch.tensor([0]), True).item() == (2 if words >= 3 else 4)


def test_top_p_keeps_no_token_beyond_those_that_hold_exactly_its_share() -> None:
    logits = torch.full((SIZE,), -1e9)
    logits[10:14] = 1.0
    counts = drawn(logits, Sampling(temperature=1.0, top_p=0.5, min_words=0, min_tokens=0), 400, [])
    assert counts.nonzero().flatten().tolist() == [10, 11]


def test_words_are_counted_where_a_space_opens_them() -> None:
    """Token 0 is ' a', 1 is 'a', 2 is 'a ', 3 is ' ', 4 is ' a b', 5 is '.'."""
    opens = torch.tensor([1, 0, 0, 0, 2, 0])
    joins = torch.tensor([False, True, True, False, False, False])
    gaps = torch.tensor([False, False, True, True, False, False])
    counter = Sampler((opens, joins, gaps), (), CPU)
    state = state_of([[]], [greedy()])
    counts = []
    for token in (1, 1, 5, 0, 3, 1, 2, 1, 4, 3, 5, 1):
        counter.draw(torch.eye(6)[token][None], state, torch.tensor([0]), True)
        counts.append(int(state.words[0]))
    assert counts == [1, 1, 1, 2, 2, 3, 3, 4, 6, 6, 6, 6]


WARPED = [
    {"temperature": 0.4, "top_k": 40, "top_p": 0.85},
    {"temperature": 1.0, "top_k": 64, "top_p": 1.0},
    {"temperature": 1.5, "top_k": 5, "top_p": 0.9},
    {"temperature": 0.7, "top_k": 64, "top_p": 0.3},
    {"temperature": 2.0, "top_k": 3, "top_p": 1.0},
    {"temperature": 1.0, "top_k": 40, "top_p": 0.0},
]


@pytest.mark.parametrize("settings", WARPED, ids=str)
def test_draws_have_the_shares_that_transformers_warpers_leave(settings: dict[str, Any]) -> None:
    """Chi-square over 8,000 seeds; a fair sampler exceeds the bound with a probability of 1e-4."""
    seeds, history = 8_000, [4, 9, 4]
    logits = torch.randn(200, generator=torch.Generator().manual_seed(5)) * 2
    scores = RepetitionPenaltyLogitsProcessor(1.15)(torch.tensor([history]), logits[None].clone())
    for warper in (
        TemperatureLogitsWarper(settings["temperature"]),
        TopKLogitsWarper(min(settings["top_k"], CANDIDATES)),
        TopPLogitsWarper(settings["top_p"]),
    ):
        scores = warper(torch.tensor([history]), scores)
    shares = scores[0].double().softmax(0)
    plain = Sampling(repetition_penalty=1.15, no_repeat_ngram=0, min_words=0, min_tokens=0, **settings)
    counts = drawn(logits, plain, seeds, history).double()
    assert counts[shares == 0].sum() == 0
    expected = seeds * shares
    often = expected >= 5
    observed = torch.cat([counts[often], counts[~often].sum()[None]])
    wanted = torch.cat([expected[often], expected[~often].sum()[None]])
    degrees = max(1, int((wanted > 0).sum()) - 1)
    chi2 = float(((observed - wanted)[wanted > 0] ** 2 / wanted[wanted > 0]).sum())
    # Wilson and Hilferty's approximation of the chi-square's quantile; 3.72 deviations are 1e-4
    assert chi2 <= degrees * (1 - 2 / (9 * degrees) + 3.72 * math.sqrt(2 / (9 * degrees))) ** 3


def test_more_than_the_candidates_are_never_drawn_from() -> None:
    flat = torch.linspace(0, 0.01, 500)
    counts = drawn(flat, Sampling(temperature=1.0, top_k=64, top_p=1.0, min_words=0, min_tokens=0), 3000, [])
    assert (counts > 0).nonzero()[:, 0].tolist() == list(range(500 - CANDIDATES, 500))


@pytest.mark.parametrize("size", [5, 64, 65, 4096, 5001, 131072])
def test_the_smaller_token_wins_among_equal_scores(size: int) -> None:
    """Coarse logits, half of them 0 or -0; the reference is a stable sort."""
    logits = (torch.randn(3, size, generator=torch.Generator().manual_seed(size)) * 3).round()
    logits[:, ::2] *= 0
    rows = torch.arange(3)
    plain = Sampling(temperature=0.01, top_p=0.0, repetition_penalty=1.0, no_repeat_ngram=1)
    for sampling in (plain, replace(plain, temperature=0)):
        state = state_of([[]] * 3, [sampling] * 3)
        steps = min(size, 70)
        found = [sampler(size, ()).draw(logits, state, rows, sampling.temperature == 0) for _ in range(steps)]
        order = logits.sort(dim=1, descending=True, stable=True).indices
        assert torch.equal(torch.stack(found, 1), order[:, :steps])


def test_the_smaller_tokens_are_drawn_from_among_equal_scores() -> None:
    flat = Sampling(temperature=1.0, top_k=40, top_p=1.0, min_words=0, min_tokens=0)
    counts = drawn(torch.zeros(500), flat, 3000, [])
    assert (counts > 0).nonzero()[:, 0].tolist() == list(range(40))


def test_a_temperature_of_0_takes_the_likeliest_beside_rows_that_draw() -> None:
    logits = torch.randn(2, SIZE, generator=torch.Generator().manual_seed(1))
    settings = [greedy(), Sampling(temperature=5.0, min_words=0, min_tokens=0)]
    found = set()
    for seed in range(20):
        state = state_of([[], []], settings)
        state.whole[1, -1] = seed
        first, second = sampler(ends=()).draw(logits, state, torch.arange(2), False).tolist()
        assert first == int(logits[0].argmax())
        found.add(second)
    assert len(found) > 5


@examples(50)
@given(st.integers(-(2**70), 2**70), st.integers(0, 3), st.integers(0, 40))
def test_a_draw_depends_on_the_seed_and_the_place_and_on_no_slot_or_neighbour(
    seed: int, slot: int, place: int
) -> None:
    logits = torch.randn(4, 64, generator=torch.Generator().manual_seed(3))
    mine = Sampling(temperature=1.5, seed=seed, min_words=0, min_tokens=0)
    others = Sampling(temperature=0.9, top_k=3, seed=seed + 1, min_words=0, min_tokens=0)
    history = list(range(place))
    alone = state_of([history], [mine])
    expected = sampler(64).draw(logits[:1], alone, torch.tensor([0]), False).item()
    settings, pasts = [others] * 4, [[5, 6]] * 4
    settings[slot], pasts[slot] = mine, history
    rows = torch.tensor([slot, *(s for s in range(4) if s != slot)])
    assert sampler(64).draw(logits, state_of(pasts, settings), rows, False)[0].item() == expected


def test_other_seeds_and_other_places_draw_otherwise() -> None:
    logits = torch.zeros(64)
    plain = Sampling(temperature=1.0, top_k=64, top_p=1.0, min_words=0, min_tokens=0, no_repeat_ngram=0)
    by_place = [drawn(logits, plain, 1, [0] * n).argmax().item() for n in range(64)]
    assert len(set(by_place)) > 30
    assert (drawn(logits, plain, 64, []) > 0).sum() > 30


def test_noise_is_gumbels() -> None:
    """Check mean, variance, distribution (Kolmogorov-Smirnov), and that neighbours are not correlated."""
    n = 400
    seeds, places, tokens = torch.arange(4), torch.arange(n), torch.arange(n)
    noise = gumbel(seeds[:, None, None], places[:, None], tokens).double()
    flat = noise.flatten().sort().values
    assert flat.mean().item() == pytest.approx(0.5772157, abs=0.01)
    assert flat.var().item() == pytest.approx(math.pi**2 / 6, abs=0.02)
    uniform = torch.exp(-torch.exp(-flat))
    steps = torch.arange(1, len(flat) + 1) / len(flat)
    assert (uniform - steps).abs().max().item() < 1.95 / math.sqrt(len(flat)), "1.95: one in a thousand"
    ranks = torch.exp(-torch.exp(-noise)) - 0.5
    for one_way in (ranks[1:] * ranks[:-1], ranks[:, 1:] * ranks[:, :-1], ranks[..., 1:] * ranks[..., :-1]):
        assert abs(one_way.mean().item() * 12) < 5 / math.sqrt(one_way.numel())


def test_noise_of_two_seeds_is_not_a_shifted_copy() -> None:
    noise = gumbel(torch.arange(20)[:, None, None], torch.arange(50)[:, None], torch.arange(4))
    assert len({tuple(row) for row in noise.flatten(0, 1).tolist()}) == 20 * 50


def splitmix(state: int) -> int:
    """Return the output of SplitMix64 at a state, as an unsigned integer."""
    below = 2**64
    z = (state + 0x9E3779B97F4A7C15) % below
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % below
    z = (z ^ z >> 27) * 0x94D049BB133111EB % below
    return z ^ z >> 31


@examples(200)
@given(*[st.integers(-(2**63), 2**63 - 1)] * 3)
def test_noise_is_hashed_by_splitmix64(seed: int, place: int, token: int) -> None:
    assert splitmix(0) == 0xE220A8397B1DCDAF, "its first output from seed 0"
    mixed = splitmix(splitmix(splitmix(seed) + place) + token)
    uniform = ((mixed >> 41) + 0.5) / 2**23
    noise = gumbel(*(torch.tensor([number]) for number in (seed, place, token))).item()
    assert noise == pytest.approx(-math.log(-math.log(uniform)), rel=1e-3, abs=1e-5)


def test_noise_is_finite_for_every_seed() -> None:
    extreme = torch.tensor([0, -1, 2**63 - 1, -(2**63)])
    noise = gumbel(extreme[:, None, None], torch.arange(50)[:, None], torch.arange(500))
    assert torch.isfinite(noise).all()
    assert noise.dtype == torch.float32


def test_a_full_history_goes_on_at_its_end() -> None:
    state = state_of([[3] * LONGEST], [greedy(no_repeat_ngram=3, repetition_penalty=2.0)])
    logits = torch.linspace(0, 1, SIZE)[None]
    for _ in range(3):
        sampler().draw(logits, state, torch.tensor([0]), True)
    assert int(state.count[0]) == LONGEST
    assert state.history[0, -2:].tolist() == [3, int(state.tokens[0])]


def test_the_next_reply_of_a_slot_knows_nothing_of_the_one_before() -> None:
    logits = torch.linspace(0, 1, SIZE)[None]
    state = state_of([[SIZE - 1, SIZE - 2] * 5], [greedy(no_repeat_ngram=1, repetition_penalty=5.0)])
    state.begin(0, 8, greedy(no_repeat_ngram=1, repetition_penalty=5.0))
    assert sampler().draw(logits, state, torch.tensor([0]), True).item() == SIZE - 1
    assert (int(state.position[0]), int(state.count[0]), int(state.words[0])) == (8, 1, 1)


def test_reply_that_changes_settings_is_drawn_as_if_only_its_speech_counted() -> None:
    logits = torch.linspace(0, 1, SIZE)[None]
    state = state_of([[SIZE - 3] * 9], [greedy()])
    sampling = greedy(no_repeat_ngram=1, repetition_penalty=5.0, min_words=4)
    state.tune(0, Tuning(sampling, (SIZE - 1, SIZE - 2), words=2))
    assert (int(state.position[0]), int(state.count[0]), int(state.words[0])) == (5, 2, 2)
    assert sampler().draw(logits, state, torch.tensor([0]), True).item() == SIZE - 3
    assert state.history[0, :3].tolist() == [SIZE - 1, SIZE - 2, SIZE - 3]


@pytest.mark.parametrize(
    ("setting", "value", "bounds"),
    [
        ("temperature", -0.1, "0 to 100"),
        ("temperature", math.nan, "0 to 100"),
        ("top_p", 1.01, "0 to 1"),
        ("top_k", 0, "1 to 64"),
        ("top_k", 65, "1 to 64"),
        ("repetition_penalty", 0.9, "1 to 100"),
        ("no_repeat_ngram", 5, "0 to 4"),
        ("min_words", -1, "0 to 1024"),
        ("min_tokens", 1025, "0 to 1024"),
        ("max_tokens", 0, "1 to 1024"),
        ("max_tokens", 1025, "1 to 1024"),
    ],
)
def test_a_setting_out_of_its_bounds_is_refused_by_name(setting: str, value: Any, bounds: str) -> None:
    with pytest.raises(Unsupported, match=rf"^{setting} is {value}; it goes from {bounds}$"):
        Sampling(**{setting: value})


def test_the_defaults_are_those_of_the_generators_properties() -> None:
    props = props_of(EngineGenerator)
    assert Sampling().seed == 0
    for field in fields(Sampling):
        if field.name != "seed":  # a node without one draws one
            assert field.default == props[field.name].default, field.name


@pytest.mark.parametrize("draws", [False, True])
def test_a_row_without_a_reply_takes_the_likeliest_of_the_vocabulary(draws: bool) -> None:
    state = SamplingState(3, CPU)
    assert [len(rows) for rows in (state.tokens, state.history, state.real, state.whole)] == [4] * 4
    logits = torch.zeros(1, SIZE)
    logits[0, 9], logits[0, 12] = 2.0, 1.5
    for _ in range(2):  # unchanged by what was taken before
        assert sampler().draw(logits, state, torch.tensor([3]), not draws).item() == 9


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_no_token_beyond_the_vocabulary_is_taken_however_unlikely_all_are(temperature: float) -> None:
    logits = torch.full((1, SIZE), -1e30)
    logits[0, 4] = -1e29
    state = state_of([[]], [replace(greedy(), temperature=temperature)])
    assert sampler().draw(logits, state, torch.tensor([0]), temperature == 0).item() == 4


@pytest.mark.parametrize(
    ("seed", "wrapped"),
    [(0, 0), (7, 7), (-1, -1), (2**63 - 1, 2**63 - 1), (2**63, -(2**63)), (2**64 + 5, 5), (-(2**64) - 5, -5)],
)
def test_a_seed_of_any_size_is_taken_modulo_2_to_the_64(seed: int, wrapped: int) -> None:
    assert _wrapped(seed) == wrapped


def test_a_score_between_0_and_1_is_penalised_downwards() -> None:
    logits = torch.full((1, SIZE), -5.0)
    logits[0, 4], logits[0, 6] = 0.9, 0.5
    state = state_of([[4]], [greedy(repetition_penalty=3.0)])
    assert sampler().draw(logits, state, torch.tensor([0]), True).item() == 6


def test_the_draw_does_not_depend_on_the_history_before_the_reply() -> None:
    state = state_of([[5] * 9], [greedy()])
    state.begin(0, 5, greedy(no_repeat_ngram=1, repetition_penalty=9.0))
    logits = torch.full((1, SIZE), 1.0)
    logits[0, 5] = 2.0
    assert sampler().draw(logits, state, torch.tensor([0]), True).item() == 5
