"""Run any causal language model of transformers in the engine: by its own forward pass, one row at a time.

It serves the architectures that `weights.adapt` refuses. It is slower than an engine's own pass, and never
batched; all else (sessions, processors, seeds, roll-back) is the same.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import DynamicCache

from vflow_nodes.lib.decode.errors import Unsupported

CACHES = ("cache", "past_key_values", "cache_params", "state")
"""Names by which models of transformers take their cache: 5.2x renames it, model by model. RWKV's state is
what its last pass returned."""
PROBE = 12
"""How many tokens a model is tried with."""
OFF, OFF_NARROW = 0.02, 0.3
"""Largest error of a correct pass, as a share of the effect that all earlier tokens have. The second one is
for types narrower than float32, whose rounding adds to it."""
OFF_IN_PARTS = 0.002
"""The same for models with a state, which may forget a little between two parts of a prompt, less than a
narrow type rounds. If they are not that close, they go token by token."""


class AnyModel:
    """A `forward.Model` from a model of transformers, with a cache of its own for each slot.

    Its embeddings `(n, 1)` are the ids themselves, since some models need the ids; so prompts hold only
    tokens. Models with a state go on from it one token at a time, if they know no other way. One thread at a
    time.
    Raises: Unsupported if the model does not go on from a cache as if it had read the whole.
    """

    def __init__(self, model: Any, slots: int, context: int) -> None:
        config = model.config.get_text_config()
        self._model = model
        named = inspect.signature(type(model).forward).parameters
        self._cache_name = next((name for name in CACHES if name in named), "")
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in named else {}
        self._takes_positions = "position_ids" in named
        self.slots, self.device = slots, model.device
        self.longest: int = getattr(config, "max_position_embeddings", None) or 2**31  # a state has no limit
        self.context = min(context, self.longest)
        self.vocabulary: int = model.get_output_embeddings().weight.shape[0]
        self._by_token = False
        refused = f"the engine cannot run {config.model_type!r} models"
        mend = "set 'model' to one of another architecture, such as Llama, Qwen or Mistral"
        if not self._cache_name:
            raise Unsupported(f"{refused}: they take no cache; {mend}")
        try:
            self._caches = [self._fresh() for _ in range(slots + 1)]
            layers = getattr(self._caches[0], "layers", [None])
            kinds = {type(layer).__name__ for layer in layers}
            self.rewinds = kinds == {"DynamicLayer"}
            self._has_state = "Linear" in "".join(kinds) or self._cache_name == "state"
            works = self._goes_on()
        except Exception as error:  # the architecture's own code may raise anything
            reason = str(error).strip().partition("\n")[0]
            raise Unsupported(f"{refused}: {type(error).__name__}: {reason}; {mend}") from error
        if not works:
            raise Unsupported(f"{refused}: they do not go on from what they have read; {mend}")

    def _fresh(self) -> Any:
        return None if self._cache_name == "state" else DynamicCache(config=self._model.config)

    def _goes_on(self) -> bool:
        """Return whether a prompt in parts, with another slot's parts between, gives the logits of the whole.
        Try parts of any length first, then token by token."""
        ids = (torch.arange(PROBE, device=self.device) * 7 + 3) % self.vocabulary
        wide = self._model.dtype == torch.float32
        loose, rounding = (OFF, 1e-5) if wide else (OFF_NARROW, 0.01)
        first, last = PROBE // 2, PROBE - 1
        with torch.inference_mode():
            whole, alone = self.prefill(0, 0, ids[:, None]), self.prefill(0, 0, ids[last:, None])
            effect = (whole - alone).abs().max()
            for self._by_token in (False, True):
                self.prefill(0, 0, ids[:first, None])
                self.prefill(1, 0, ids[first:, None])
                self.prefill(0, first, ids[first:last, None])
                error = (self.prefill(0, last, ids[last:, None]) - whole).abs().max()
                off = OFF_IN_PARTS if self._has_state and not self._by_token else loose
                if bool(error <= off * effect + rounding * whole.abs().max()):
                    return True
        return False

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return ids[:, None]

    def prefill(self, slot: int, start: int, x: torch.Tensor) -> torch.Tensor:
        cache, self._caches[slot] = self._caches[slot], self._fresh()  # a pass that fails leaves it useless
        if start == 0:
            cache = self._fresh()
        elif self.rewinds and (surplus := cache.get_seq_length() - start) > 0:
            cache.crop(-surplus)
        for part in x.split(1) if self._by_token and start else [x]:
            named = {self._cache_name: cache, **self._last_only}
            if self._takes_positions:
                named["position_ids"] = torch.arange(start, start + len(part), device=x.device)[None]
            made = self._model(input_ids=part.T, use_cache=True, **named)
            start += len(part)
            cache = made.state if self._cache_name == "state" else cache
        self._caches[slot] = cache
        logits: torch.Tensor = made.logits[0, -1:]
        return logits

    def decode(
        self, rows: torch.Tensor, position: torch.Tensor, ids: torch.Tensor, context: int
    ) -> torch.Tensor:
        pairs = zip(rows.tolist(), position.tolist(), strict=True)
        return torch.cat([self.prefill(row, at, ids[i : i + 1, None]) for i, (row, at) in enumerate(pairs)])
