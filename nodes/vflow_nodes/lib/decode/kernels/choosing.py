# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Sample in two kernels: find the best of each block of the vocabulary, then a row's next token among these.

Both work on `SamplingState`'s tensors, which `rows` indexes; the second enters the token into them. A row may
come several times in `rows` if nobody reads its results: the programs race, but stay in bounds.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vflow_nodes.lib.decode import sampling
from vflow_nodes.lib.decode.kernels.ranking import LOWEST, largest, ranked, score_of, token_of

INTERPRETED = bool(triton.knobs.runtime.interpret)
LONGEST = tl.constexpr(sampling.LONGEST)
CHUNK = tl.constexpr(256)
"""Tokens of the history that are compared at once."""
REALS = tl.constexpr(len(sampling.REAL))
TEMPERATURE = tl.constexpr(sampling.REAL.index("temperature"))
TOP_P = tl.constexpr(sampling.REAL.index("top_p"))
PENALTY = tl.constexpr(sampling.REAL.index("repetition_penalty"))
WHOLES = tl.constexpr(len(sampling.WHOLE))
TOP_K = tl.constexpr(sampling.WHOLE.index("top_k"))
NGRAM = tl.constexpr(sampling.WHOLE.index("no_repeat_ngram"))
MIN_WORDS = tl.constexpr(sampling.WHOLE.index("min_words"))
MIN_TOKENS = tl.constexpr(sampling.WHOLE.index("min_tokens"))
SEED = tl.constexpr(sampling.WHOLE.index("seed"))
MAX_NGRAM = tl.constexpr(sampling.NGRAM)


@triton.jit
def said_and_barred(history, said, size, first, BLOCK: tl.constexpr):
    """Return, for the tokens `first` to first + BLOCK - 1, how often each is among the `said` ones of
    `history`, and how often it completed an n-gram of `size` that it would complete now, `(BLOCK,) int32`
    each."""
    times = tl.zeros((BLOCK,), tl.int32)
    repeats = tl.zeros((BLOCK,), tl.int32)
    start = 0
    while start < said:
        at = start + tl.arange(0, CHUNK)
        place = tl.load(history + at, mask=at < said, other=-1) - first
        here = (place >= 0) & (place < BLOCK)
        times += tl.histogram(place.to(tl.int32), BLOCK, mask=here)
        here = here & (size > 0) & (at >= size - 1)
        for back in tl.static_range(1, MAX_NGRAM):
            last = tl.load(history + tl.maximum(said - back, 0))
            earlier = tl.load(history + at - back, mask=here & (back < size), other=0)
            here = here & ((earlier == last) | (back >= size))
        repeats += tl.histogram(place.to(tl.int32), BLOCK, mask=here)
        start += CHUNK
    return times, repeats


@triton.jit
def best_of_block(
    best, logits, rows, history, count, words, real, whole, ends, vocabulary, stride,
    BLOCK: tl.constexpr, KEPT: tl.constexpr, ENDS: tl.constexpr,
):  # fmt: skip
    """Compute `best (b, blocks, KEPT) int64`: of BLOCK of the `logits (b, vocabulary)`, whose rows are
    `stride` apart, the largest keys, falling, of the scores after penalty, forbidden n-grams and minima.
    ENDS: how many `ends` there are. One program per block and row."""
    block, i = tl.program_id(0), tl.program_id(1)
    row = tl.load(rows + i)
    first = block * BLOCK
    token = first + tl.arange(0, BLOCK)
    score = tl.load(logits + i.to(tl.int64) * stride + token, mask=token < vocabulary, other=0.0)
    score = score.to(tl.float32)
    penalty = tl.load(real + row * REALS + PENALTY)
    whole += row * WHOLES
    said = tl.load(count + row).to(tl.int32)
    size = tl.load(whole + NGRAM).to(tl.int32)
    times, repeats = said_and_barred(history + row * LONGEST, said, size, first, BLOCK)
    lower = tl.where(score < 0, score * penalty, tl.div_rn(score, tl.zeros_like(score) + penalty))
    score = tl.where(times > 0, lower, score)
    barred = repeats > 0
    unripe = (tl.load(words + row) < tl.load(whole + MIN_WORDS)) | (said < tl.load(whole + MIN_TOKENS))
    for end in tl.static_range(0, ENDS):
        barred = barred | (unripe & (token == tl.load(ends + end)))
    key = ranked(tl.where(barred, float("-inf"), score), token.to(tl.int64))
    key = tl.where(token < vocabulary, key, LOWEST)
    to = best + (i.to(tl.int64) * tl.num_programs(0) + block) * KEPT
    if KEPT == 1:
        tl.store(to, tl.max(key, 0))
    else:
        tl.store(to + tl.arange(0, KEPT), largest(key, KEPT, False))


@triton.jit
def choose(
    chosen, best, rows, tokens, history, count, words, gap, real, whole, opens, joins, gaps,
    vocabulary, blocks, KEPT: tl.constexpr, LISTS: tl.constexpr,
):  # fmt: skip
    """Compute `chosen (b,) int64` from the `best (b, blocks, KEPT)` keys of each block, and enter it into the
    state: the largest if KEPT is 1, else one drawn from the KEPT largest. LISTS: a power of two, `blocks` or
    more. One program per row."""
    i = tl.program_id(0)
    row = tl.load(rows + i)
    said = tl.load(count + row)
    block = tl.arange(0, LISTS)
    best += i.to(tl.int64) * blocks * KEPT
    if KEPT == 1:
        token = token_of(tl.max(tl.load(best + block, mask=block < blocks, other=LOWEST), 0))
    else:
        # every other list is read backwards, so that it rises
        rank = tl.arange(0, KEPT)[None, :]
        at = tl.where(block[:, None] % 2 == 1, KEPT - 1 - rank, rank)
        keys = tl.load(best + block[:, None] * KEPT + at, mask=block[:, None] < blocks, other=LOWEST)
        keys = largest(tl.reshape(keys, (LISTS * KEPT,)), KEPT, True)
        # unsorted, a thread holds many keys, of which others hold copies; gathered, it holds one
        keys = tl.gather(keys, tl.arange(0, KEPT), 0)
        token = drawn(keys, real + row * REALS, whole + row * WHOLES, said, vocabulary, KEPT)
    # a key without a token, as for scores that are no numbers, must not index outside of the tables
    token = tl.minimum(tl.maximum(token, 0), vocabulary - 1)
    tl.store(chosen + i, token)
    tl.store(tokens + row, token)
    tl.store(history + row * LONGEST + tl.minimum(said, LONGEST - 1), token)
    tl.store(count + row, tl.minimum(said + 1, LONGEST))
    joined = (tl.load(gap + row) & tl.load(joins + token)).to(tl.int64)
    tl.store(words + row, tl.load(words + row) + tl.load(opens + token) + joined)
    tl.store(gap + row, tl.load(gaps + token))


@triton.jit
def drawn(keys, real, whole, place, vocabulary, K: tl.constexpr):
    """Return the token that `Sampler` draws from the falling `keys (K,) int64`, by a row's settings."""
    rank = tl.arange(0, K)
    temperature = tl.load(real + TEMPERATURE)
    token = token_of(keys)
    value = tl.div_rn(score_of(keys), tl.zeros((K,), tl.float32) + tl.maximum(temperature, 1e-4))
    value = tl.where((rank < tl.load(whole + TOP_K)) & (rank < vocabulary), value, float("-inf"))
    top = tl.max(value, 0)
    share = tl.exp(value - tl.where(top == float("-inf"), 0.0, top))
    share = share / tl.maximum(tl.sum(share, 0), 1.0)  # the sum is >= 1, or 0 if no score is a number
    before = tl.cumsum(share, 0) - share
    beyond = (before >= tl.load(real + TOP_P)) & (rank > 0)
    seed = tl.load(whole + SEED) + tl.zeros((K,), tl.int64)
    value = tl.where(beyond, float("-inf"), value) + gumbel(seed, place, token)
    pick = tl.where(temperature == 0, 0, tl.argmax(value, 0))
    return tl.sum(tl.where(rank == pick, token, 0), 0)


@triton.jit
def gumbel(seed, place, token):
    """Return `sampling.gumbel`'s float32 noise of int64 numbers; the seed has the shape of the tokens."""
    bits = mixed(mixed(mixed(seed) + place) + token)
    uniform = ((bits >> 41) & 0x7FFFFF).to(tl.float32) * (2.0**-23) + (2.0**-24)
    return -tl.log(-tl.log(uniform))


@triton.jit
def mixed(x):
    """Apply `sampling._mix`, SplitMix64's finaliser, to int64 x."""
    x = x - 0x61C8864680B583EB
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -0x40A7B892E31B1A47
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -0x6B2FB644ECCEEE15
    return x ^ ((x >> 31) & 0x1FFFFFFFF)
