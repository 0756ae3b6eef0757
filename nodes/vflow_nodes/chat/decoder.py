"""One conversation's key/value cache, and how the next token is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import torch
from transformers import DynamicCache


class Decoder:
    """Runs a causal language model over a text that grows, and computes only what is new in it.

    One thread at a time. The model itself is only read: decoders may share it.
    """

    # Measured for a 135M model on 2 cores, bf16: DynamicCache 34 ms a token, StaticCache 38; compiled with
    # a StaticCache 32, after 80 s for each of three shapes; a forward of our own (fused projections, own
    # cache) 27. None is worth its price here.

    def __init__(self, model: Any) -> None:
        self._model = model
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._cache = DynamicCache(config=self._model.config)
        self._ids: list[int] = []  # the tokens whose keys and values are cached

    @property
    def length(self) -> int:
        """How many tokens are cached."""
        return len(self._ids)

    def rewind(self, prompt: Sequence[int]) -> list[int]:
        """Keep what `prompt` shares with the cache from its start; returns the rest, one token or more,
        which is to be fed."""
        pairs = zip(self._ids, prompt[:-1], strict=False)
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        surplus = len(self._ids) - kept
        if surplus:
            try:
                self._cache.crop(-surplus)
                del self._ids[kept:]
            except (RuntimeError, ValueError):  # a sliding window or a recurrent state cannot go back
                self.clear()
        return list(prompt[len(self._ids) :])

    def feed(self, ids: Sequence[int]) -> torch.Tensor:
        """Append tokens; returns the logits of the next one, `(vocabulary,) float32`."""
        cache, known = self._cache, self._ids
        self.clear()  # a forward that fails leaves a torn cache behind
        with torch.inference_mode():
            tokens = torch.tensor([ids], device=self._model.device)
            logits = self._model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        known.extend(ids)
        self._cache, self._ids = cache, known
        return logits.logits[0, -1].float()


def penalise(logits: torch.Tensor, ids: Sequence[int], penalty: float) -> torch.Tensor:
    """Make the tokens `ids` less likely to come again; 1 changes nothing.

    Source: N. S. Keskar et al., "CTRL", arXiv:1909.05858, section 4.1.
    """
    if penalty == 1 or not ids:
        return logits
    used = torch.tensor(sorted(set(ids)), device=logits.device)
    scores = logits[used]
    return logits.index_copy(0, used, torch.where(scores > 0, scores / penalty, scores * penalty))


def choose(logits: torch.Tensor, temperature: float, top_p: float, random: torch.Generator) -> int:
    """The next token: the likeliest at temperature 0, else drawn from the fewest that hold `top_p`.

    Source: A. Holtzman et al., "The Curious Case of Neural Text Degeneration", arXiv:1904.09751.
    """
    if temperature == 0:
        return int(logits.argmax())
    shares, tokens = torch.softmax(logits / temperature, 0).cpu().sort(descending=True)
    before = shares.cumsum(0) - shares
    shares[1:][before[1:] >= top_p] = 0
    return int(tokens[torch.multinomial(shares, 1, generator=random)])
