"""The device's work for the engine: parts of prompts, and steps of a batch, whose tokens come later.

On CUDA, a step is one captured graph for each size of batch and context. Its tokens are copied to pinned
memory after it, and read when the next step has already begun, so the device never waits for the host.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from vflow_nodes.lib.decode.cuda_graphs import Part, Recorder, Step
from vflow_nodes.lib.decode.forward import LlamaModel, Model
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampler, Sampling, SamplingState, Tuning
from vflow_nodes.lib.decode.weights import Weights

BATCHES = (1, 2, 4, 8, 16, 32, 64)
CONTEXTS = (1024, 2048, 4096, 8192, 16384, 32768)
PARTS = (32, 128, 256, 384, 512)
"""Sizes of batches, contexts and parts of prompts. Those that are needed are captured; smaller work is
padded. A part of 384 holds 30 s of speech."""


def bucket(longest: int, context: int) -> int:
    """Return the size whose step has room for position `longest` of a slot of `context`."""
    return min(context, next((size for size in CONTEXTS if size > longest), context))


def _more_context(context: int, longest: int) -> str:
    if context < longest:
        return "set 'context' higher"
    return f"set 'model' to one with a longer context, since this one sees {longest:,} tokens at a time"


def buckets(longest: int, context: int) -> list[int]:
    """Return the sizes that positions up to `longest` need, in rising order."""
    largest = bucket(longest, context)
    return [*(size for size in CONTEXTS if size < largest), largest]


class Tokens(Protocol):
    """The tokens of a step that has begun."""

    def read(self) -> list[int]:
        """Return one token for each row of the step. Wait until they are there."""


class Device(Protocol):
    """A device as the engine drives it; one thread."""

    slots: int
    context: int
    rewinds: bool
    more_context: str
    """How a session gets more context, as an order to the user."""

    def prefill(self, slot: int, prompt: Prompt, start: int, stop: int) -> None:
        """Compute positions `start` to `stop` of a prompt, in a slot that holds the positions before."""

    def first(self, slot: int, position: int, sampling: Sampling) -> Tokens:
        """Draw the first token after the prompt whose last part has just been computed."""

    def counted(self, slot: int, words: int) -> None:
        """Set how many words a slot's reply has, from the next step on."""

    def tune(self, slot: int, tuning: Tuning) -> None:
        """Draw a slot's tokens in another way from the next step on, and count what was said anew."""

    def step(self, slots: Sequence[int], longest: int, greedy: bool) -> Tokens:
        """Feed each slot its last token, and draw the next. No fed position is above `longest`."""


@dataclass(slots=True)
class Pending:
    """Tokens on their way to the host, and the CUDA event recorded after their copy."""

    tokens: torch.Tensor
    event: Any
    rows: int

    def read(self) -> list[int]:
        if self.event is not None:
            self.event.synchronize()
        found: list[int] = self.tokens[: self.rows].tolist()
        return found


class Stepper:
    """Runs a model and a sampler. With `capture`, a step is a CUDA graph; on the CPU it never is."""

    def __init__(self, model: Model, sampler: Sampler, *, capture: bool = False) -> None:
        self.slots, self.context, self.rewinds = model.slots, model.context, model.rewinds
        self.model, self.sampler = model, sampler
        self.more_context = _more_context(model.context, model.longest)
        self._device = model.device
        self._state = SamplingState(model.slots, model.device)
        self._logits: torch.Tensor | None = None
        self._cuda = self._device.type == "cuda"
        self._captures = capture and self._cuda
        self._recorder = Recorder()
        self._steps: dict[tuple[int, int, bool], Step] = {}
        self._parts: dict[tuple[int, int], Part] = {}
        self._ring = [self._pinned() for _ in range(4)]  # more than the steps in flight: none is overwritten
        self._turn = 0

    @property
    def weights(self) -> Weights:
        """The model's weights. Raises: AttributeError for a model that is not the engine's own."""
        weights: Weights = self.model.weights  # type: ignore[attr-defined]
        return weights

    @property
    def graphs(self) -> int:
        """How many steps and parts of prompts are captured."""
        return self._recorder.count

    def _pinned(self) -> torch.Tensor:
        return torch.zeros(self.slots + 1, dtype=torch.int64, pin_memory=self._cuda)

    def prefill(self, slot: int, prompt: Prompt, start: int, stop: int) -> None:
        parts = []
        for run in prompt.runs(start, stop):
            if isinstance(run, list):
                parts.append(self.model.embed(self._to_device(run)))
            else:
                embeds, first, last = run
                parts.append(embeds.rows()[first:last])
        x = parts[0] if len(parts) == 1 else torch.cat(parts)
        model = self.model
        if self._captures and isinstance(model, LlamaModel) and len(x) <= PARTS[-1]:
            self._logits = self._replayed(model, slot, start, x)
        else:
            self._logits = model.prefill(slot, start, x)

    def _replayed(self, model: LlamaModel, slot: int, start: int, x: torch.Tensor) -> torch.Tensor:
        """Compute a part of a prompt by its graph. The logits stay until the next part."""
        n = len(x)
        size = next(size for size in PARTS if size >= n)
        part = self._part(model, size, bucket(start + n - 1, self.context))
        numbers = [*[slot] * size, *range(start, start + size), n - 1]  # rows, positions, the last real row
        part.numbers.copy_(self._to_device(numbers), non_blocking=True)
        part.x[:n] = x
        part.replay()
        return part.logits

    def _to_device(self, ids: Sequence[int]) -> torch.Tensor:
        host = torch.tensor(ids, dtype=torch.int64, pin_memory=self._cuda)
        return host.to(self._device, non_blocking=True)

    def first(self, slot: int, position: int, sampling: Sampling) -> Pending:
        assert self._logits is not None
        self._state.begin(slot, position, sampling)
        rows = self._to_device([slot])
        chosen = self.sampler.draw(self._logits, self._state, rows, sampling.temperature == 0)
        self._logits = None
        return self._copied(chosen, 1)

    def counted(self, slot: int, words: int) -> None:
        self._state.words[slot].fill_(words)  # no sync

    def tune(self, slot: int, tuning: Tuning) -> None:
        self._state.tune(slot, tuning)

    def step(self, slots: Sequence[int], longest: int, greedy: bool) -> Pending:
        if not self._captures:
            rows = self._to_device(slots)
            context = longest + 1 if not self._cuda else bucket(longest, self.context)
            return self._copied(self._compute(rows, context, greedy), len(slots))
        batch = next(size for size in BATCHES if size >= len(slots))
        graph = self._step(batch, bucket(longest, self.context), greedy)
        padded = [*slots, *[self.slots] * (batch - len(slots))]  # empty rows work in the spare slot
        if graph.slots != padded:  # mostly the same slots as in the step before: then nothing is copied
            graph.rows.copy_(self._to_device(padded), non_blocking=True)
            graph.slots = padded
        graph.replay()
        return self._copied(graph.tokens, len(slots))

    def _compute(self, rows: torch.Tensor, context: int, greedy: bool) -> torch.Tensor:
        """Compute one step. Nothing here waits, and no shape depends on a value, so a graph can hold it."""
        state = self._state
        position = state.position[rows]
        logits = self.model.decode(rows, position, state.tokens[rows], context)
        state.position[rows] = torch.where(
            rows == self.slots, 0, position + 1
        )  # empty rows stay where they are
        return self.sampler.draw(logits, state, rows, greedy)

    def _copied(self, tokens: torch.Tensor, rows: int) -> Pending:
        if not self._cuda:
            return Pending(tokens, None, rows)
        self._turn = (self._turn + 1) % len(self._ring)
        host = self._ring[self._turn]
        host[:rows].copy_(tokens[:rows], non_blocking=True)  # a batch may have more rows than there are slots
        event = torch.cuda.Event()
        event.record()
        return Pending(host, event, rows)

    def _step(self, batch: int, context: int, greedy: bool) -> Step:
        """Return the captured step of a size. It is captured in the spare slot, so that no reply changes."""
        key = (batch, context, greedy)
        if key not in self._steps:
            slots = [self.slots] * batch
            rows = self._to_device(slots)
            tokens, replay = self._recorder.record(lambda: self._compute(rows, context, greedy))
            self._steps[key] = Step(rows, tokens, replay, slots)
        return self._steps[key]

    def _part(self, model: LlamaModel, size: int, context: int) -> Part:
        """Return the captured part of a prompt of a size. It is captured in the spare slot."""
        if (size, context) not in self._parts:
            numbers = self._to_device([*[self.slots] * size, *range(size), size - 1])
            rows, position, last = numbers.split([size, size, 1])
            hidden = model.weights.shape.hidden
            x = torch.zeros(size, hidden, dtype=model.weights.dtype, device=self._device)
            logits, replay = self._recorder.record(lambda: model.part(rows, position, x, last, context))
            self._parts[size, context] = Part(numbers, x, logits, replay)
        return self._parts[size, context]

    def warm_up(self, batch: int, longest: int) -> None:
        """Capture, or run once, a step of each size up to `batch` rows and `longest` positions, greedy and
        drawn, so that no turn pays for it later."""
        if not self._captures:
            for greedy in (True, False):
                self._compute(self._to_device([self.slots]), bucket(0, self.context), greedy)
            return
        contexts = buckets(longest, self.context)
        batches = [size for size in BATCHES if size < 2 * min(batch, self.slots)]
        for key in itertools.product(batches, contexts, (True, False)):
            self._step(*key)
        if isinstance(self.model, LlamaModel):
            for size, context in itertools.product(PARTS, contexts):
                self._part(self.model, size, context)
