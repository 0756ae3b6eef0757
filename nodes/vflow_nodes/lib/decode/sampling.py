"""Choose the next token: process and sample a batch of rows, on the device and without a sync.

Every row has its own settings. So they are tensors with a row per slot (`SamplingState`), and a step has the
same shape whatever they are. The settings, and their effects, are those of `generate` in transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch

from vflow_nodes.lib.decode.errors import Unsupported

CANDIDATES = 64
"""Most tokens that are drawn from; top-k is capped at this."""
LONGEST = 1024
"""Most tokens of a reply: the width of the history on the device."""
NGRAM = 4
"""The longest n-gram whose repetition can be forbidden."""
GROUP = 64
"""Tokens in a group whose best is found first. The overall best are then searched in a few groups only."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn.

    `temperature` 0 takes the likeliest token. Otherwise it is drawn from the `top_k` (1 to 64) likeliest, and
    of these from the fewest that together have the probability `top_p`. `repetition_penalty` (>= 1) and
    `no_repeat_ngram` (0 for none, up to 4) look at the reply, not at the prompt. The reply does not end
    before `min_words` words and `min_tokens` tokens; `max_tokens` is its limit. `seed` makes the draws
    repeatable, in whatever slot and batch.
    """

    temperature: float = 0.4
    top_p: float = 0.85
    top_k: int = 40
    repetition_penalty: float = 1.15
    no_repeat_ngram: int = 3
    min_words: int = 10
    min_tokens: int = 20
    max_tokens: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises: Unsupported, which names the setting."""
        bounds = {
            "temperature": (0, 100), "top_p": (0, 1), "top_k": (1, CANDIDATES),
            "repetition_penalty": (1, 100), "no_repeat_ngram": (0, NGRAM),
            "min_words": (0, LONGEST), "min_tokens": (0, LONGEST), "max_tokens": (1, LONGEST),
        }  # fmt: skip
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise Unsupported(f"{name} is {getattr(self, name)}; it goes from {low} to {high}")


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a reply is drawn from here on. It counts as if the tokens `said`, and `words`, had been said."""

    sampling: Sampling
    said: tuple[int, ...] = ()
    words: int = 0


REAL = ("temperature", "top_p", "repetition_penalty")
WHOLE = tuple(f.name for f in fields(Sampling) if f.name not in REAL)


class SamplingState:
    """The device's knowledge of each slot: `slots` rows, and one more for empty rows of a batch.

    Per slot: `tokens` to feed next, their `position`, how many were drawn (`count`), the `history` of those,
    how many `words` they opened, and whether the text ends in a space (`gap`).
    """

    def __init__(self, slots: int, device: torch.device) -> None:
        rows = slots + 1

        def zeros(*size: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
            return torch.zeros(size, dtype=dtype, device=device)

        self.tokens, self.position, self.count = zeros(rows), zeros(rows), zeros(rows)
        self.words, self.gap = zeros(rows), zeros(rows, dtype=torch.bool)
        self.history = zeros(rows, LONGEST)
        self.real = zeros(rows, len(REAL), dtype=torch.float32)
        self.real[:, REAL.index("repetition_penalty")] = 1
        self.whole = zeros(rows, len(WHOLE))

    def begin(self, slot: int, position: int, sampling: Sampling) -> None:
        """Begin a reply in `slot`, whose prompt has `position` tokens. No sync: fills and small copies."""
        self.position[slot].fill_(position)
        self.tune(slot, Tuning(sampling))

    def tune(self, slot: int, tuning: Tuning) -> None:
        """Go on with a reply in another way. No sync."""
        said, sampling = tuning.said, tuning.sampling
        # fill_, since an assignment would copy its number from the host, and wait
        for state, value in ((self.count, len(said)), (self.words, tuning.words), (self.gap, 1)):
            state[slot].fill_(value)
        pinned = self.tokens.device.type == "cuda"
        if said:
            history = torch.tensor(said, dtype=torch.int64, pin_memory=pinned)
            self.history[slot, : len(said)].copy_(history, non_blocking=True)
        real = torch.tensor([float(getattr(sampling, name)) for name in REAL], pin_memory=pinned)
        whole = torch.tensor([_wrapped(getattr(sampling, name)) for name in WHOLE], pin_memory=pinned)
        self.real[slot].copy_(real, non_blocking=True)
        self.whole[slot].copy_(whole, non_blocking=True)


def _wrapped(value: int) -> int:
    """Return a seed of any size as an int64."""
    return (value + 2**63) % 2**64 - 2**63


class Sampler:
    """Draws the next tokens of a batch. `opens`, `joins` and `gaps` count words: see `Vocabulary.marks`.

    Of tokens with equal scores, the one with the smaller id comes first, on every device.
    """

    def __init__(self, marks: Sequence[torch.Tensor], ends: Sequence[int], device: torch.device) -> None:
        self._opens, self._joins, self._gaps = (mark.to(device) for mark in marks)
        self._ends = torch.tensor(sorted(ends), dtype=torch.int64, device=device)
        self._columns = torch.arange(LONGEST, device=device)
        self._ranks = torch.arange(CANDIDATES, device=device)
        self._places = torch.arange(GROUP, device=device)

    def draw(
        self, logits: torch.Tensor, state: SamplingState, rows: torch.Tensor, greedy: bool
    ) -> torch.Tensor:
        """Draw a token for each of `rows (b,)` from `logits (b, V)`, enter it into the state, and return
        `(b,)`.

        `greedy`: every row's temperature is 0, so nothing is drawn at random.
        """
        real = dict(zip(REAL, state.real[rows].unbind(1), strict=True))
        whole = dict(zip(WHOLE, state.whole[rows].unbind(1), strict=True))
        count, history = state.count[rows], state.history[rows]
        scores = self._processed(logits, history, count, state.words[rows], real, whole)
        if greedy:
            chosen = _likeliest(scores)
        else:
            values, tokens = self._candidates(scores, logits.shape[1])
            drawn = self._drawn(values, tokens, count, real, whole)
            chosen = torch.where(real["temperature"] == 0, tokens[:, 0], drawn)
        self._enter(chosen, state, rows, count)
        return chosen

    def _processed(
        self,
        logits: torch.Tensor,
        history: torch.Tensor,
        count: torch.Tensor,
        words: torch.Tensor,
        real: dict[str, torch.Tensor],
        whole: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        """Return scores `(b, groups, GROUP)` after penalty, forbidden n-grams and minima, in the order of
        transformers.

        In the last group, the places beyond the vocabulary are -inf.
        """
        vocabulary = logits.shape[1]
        scores = torch.empty(len(logits), (vocabulary // GROUP + 1) * GROUP, device=logits.device)
        scores[:, :vocabulary] = logits
        scores[:, vocabulary:] = -torch.inf
        said = self._columns < count[:, None]
        used = torch.where(said, history, vocabulary)  # padding goes to a column after the tokens
        score, penalty = scores.gather(1, used), real["repetition_penalty"][:, None]
        scores.scatter_(1, used, torch.where(score < 0, score * penalty, score / penalty))
        scores.scatter_(1, torch.where(self._repeats(history, count, whole), history, vocabulary), -torch.inf)
        ended = (words >= whole["min_words"]) & (count >= whole["min_tokens"])
        ends = scores[:, self._ends]
        scores[:, self._ends] = torch.where(ended[:, None], ends, -torch.inf)
        return scores.unflatten(1, (-1, GROUP))

    def _repeats(
        self, history: torch.Tensor, count: torch.Tensor, whole: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return which tokens of the history would repeat an n-gram if drawn again: `(b, LONGEST)`."""
        size = whole["no_repeat_ngram"][:, None]
        ends = (self._columns < count[:, None]) & (self._columns >= size - 1) & (size > 0)
        for back in range(1, NGRAM):
            last = history.gather(1, (count - back).clamp_min(0)[:, None])
            earlier = history.roll(back, dims=1)  # column i has the token that is `back` before column i
            ends = ends & ((earlier == last) | (back >= size))
        return ends

    def _candidates(self, scores: torch.Tensor, vocabulary: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the best scores and their tokens, at most CANDIDATES, `(b, k)` each.

        They are in the groups with the best maxima: each such maximum beats every token of any other group.
        """
        groups = scores.shape[1]
        places = torch.arange(groups, device=scores.device)
        kept = ranked(scores.amax(dim=2), places).topk(min(CANDIDATES, groups), dim=1).values
        group = ranked_place(kept)
        near = scores.gather(1, group[:, :, None].expand(-1, -1, GROUP)).flatten(1)
        tokens = (group[:, :, None] * GROUP + self._places).flatten(1)
        best = ranked_place(ranked(near, tokens).topk(min(CANDIDATES, vocabulary), dim=1).values)
        return scores.flatten(1).gather(1, best), best

    def _drawn(
        self,
        scores: torch.Tensor,
        tokens: torch.Tensor,
        count: torch.Tensor,
        real: dict[str, torch.Tensor],
        whole: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        """Draw by Gumbel's trick: take the largest of log probability + noise. The noise is hashed from the
        seed, the place in the reply and the token.

        Source: E. J. Gumbel, "Statistical Theory of Extreme Values", 1954; top-p: A. Holtzman et al.,
        arXiv:1904.09751.
        """
        ranks = self._ranks[: scores.shape[1]]
        values = scores / real["temperature"].clamp_min(1e-4)[:, None]
        values = values.masked_fill(ranks >= whole["top_k"][:, None], -torch.inf)
        shares = values.softmax(dim=1)
        before = shares.cumsum(dim=1) - shares
        beyond = (before >= real["top_p"][:, None]) & (ranks > 0)
        noise = gumbel(whole["seed"][:, None], count[:, None], tokens)
        best = (values.masked_fill(beyond, -torch.inf) + noise).argmax(dim=1, keepdim=True)
        return tokens.gather(1, best)[:, 0]

    def _enter(
        self, chosen: torch.Tensor, state: SamplingState, rows: torch.Tensor, count: torch.Tensor
    ) -> None:
        state.tokens[rows] = chosen
        state.history[rows, count.clamp_max(LONGEST - 1)] = chosen
        state.count[rows] = (count + 1).clamp_max(LONGEST)
        joined = state.gap[rows] & self._joins[chosen]
        state.words[rows] += self._opens[chosen] + joined
        state.gap[rows] = self._gaps[chosen]


def _likeliest(scores: torch.Tensor) -> torch.Tensor:
    """Return the first of the largest of `scores (b, groups, GROUP)`: `(b,)`."""
    group = scores.amax(dim=2).argmax(dim=1)  # the first of the largest, as torch documents
    within = scores[torch.arange(len(scores), device=scores.device), group].argmax(dim=1)
    return group * GROUP + within


def ranked(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return int64 keys, all different, that are ordered as float32 `values`; among equal values, smaller
    `places` (below 2**32) come before larger ones."""
    bits = (values + 0.0).view(torch.int32)  # -0 becomes 0, which it equals
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return torch.add(0xFFFFFFFF - places, ordered, alpha=1 << 32)


def ranked_place(keys: torch.Tensor) -> torch.Tensor:
    """Return the places in `ranked`'s keys."""
    return 0xFFFFFFFF - (keys & 0xFFFFFFFF)


def gumbel(seed: torch.Tensor, place: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """Return Gumbel noise as a function of three int64 tensors that broadcast: float32.

    Source of the mixing: G. L. Steele et al., "Fast Splittable Pseudorandom Number Generators" (SplitMix64),
    2014.
    """
    mixed = _mix(_mix(_mix(seed) + place) + token)
    uniform = ((mixed >> 41) & 0x7FFFFF).float() * 2**-23 + 2**-24  # never 0 or 1 in float32
    return -torch.log(-torch.log(uniform))


def _mix(x: torch.Tensor) -> torch.Tensor:
    """Apply SplitMix64's finaliser. int64 wraps like the original's unsigned integers; shifts are masked."""
    x = x - 0x61C8864680B583EB
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -0x40A7B892E31B1A47
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -0x6B2FB644ECCEEE15
    return x ^ ((x >> 31) & 0x1FFFFFFFF)
