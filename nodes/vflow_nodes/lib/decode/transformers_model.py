"""Any causal language model of transformers behind the engine: its own forward pass, a row at a time.

For the architectures that `weights.adapt` refuses. Slower than an engine's own pass, and never batched; all
else (sessions, processors, seeds, roll-back) is the same.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import DynamicCache


class AnyModel:
    """A `forward.Model` of a model of transformers and a cache of its own for each slot.

    Its embeddings `(n, 1)` are the ids themselves, since some models need them: prompts hold tokens only.
    One thread at a time.
    """

    def __init__(self, model: Any, slots: int, context: int) -> None:
        config = model.config.get_text_config()
        self._model = model
        # transformers 5.2x renames it, model by model
        named = inspect.signature(type(model).forward).parameters
        self._cache_name = "cache" if "cache" in named else "past_key_values"
        self.slots, self.device = slots, model.device
        self.context = min(context, getattr(config, "max_position_embeddings", context))
        self.vocabulary: int = model.get_output_embeddings().weight.shape[0]
        self._caches = [self._fresh() for _ in range(slots + 1)]
        self.rewinds = all(type(layer).__name__ == "DynamicLayer" for layer in self._caches[0].layers)

    def _fresh(self) -> DynamicCache:
        return DynamicCache(config=self._model.config)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return ids[:, None]

    def prefill(self, slot: int, start: int, x: torch.Tensor) -> torch.Tensor:
        cache, self._caches[slot] = self._caches[slot], self._fresh()  # a pass that fails leaves it torn
        if start == 0:
            cache = self._fresh()
        elif (surplus := cache.get_seq_length() - start) > 0:
            cache.crop(-surplus)
        logits: torch.Tensor = self._model(
            input_ids=x.T, use_cache=True, logits_to_keep=1, **{self._cache_name: cache}
        ).logits[0, -1:]
        self._caches[slot] = cache
        return logits

    def decode(
        self, rows: torch.Tensor, position: torch.Tensor, ids: torch.Tensor, context: int
    ) -> torch.Tensor:
        pairs = zip(rows.tolist(), position.tolist(), strict=True)
        return torch.cat([self.prefill(row, at, ids[i : i + 1, None]) for i, (row, at) in enumerate(pairs)])
