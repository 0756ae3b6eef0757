"""What the device does for the engine: parts of prompts, and steps of a batch, whose tokens come later.

On CUDA a step is one captured graph for each size of batch and context. Its tokens are copied to pinned
memory behind it, and read when the next step is already begun: the device never waits for the host.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from vflow_nodes.decode.forward import Model
from vflow_nodes.decode.prompt import Prompt
from vflow_nodes.decode.sampling import Sampler, Sampling, SamplingState
from vflow_nodes.decode.weights import Weights

BATCHES = (1, 2, 4, 8, 16, 32, 64)
CONTEXTS = (1024, 2048, 4096, 8192, 16384, 32768)
"""A step is captured for each of these sizes that is needed; smaller ones are padded."""


class Tokens(Protocol):
    """The tokens of a step that was begun."""

    def read(self) -> list[int]:
        """One for each row of the step; waits until they are there."""


class Device(Protocol):
    """What the engine drives; one thread."""

    slots: int
    context: int
    rewinds: bool

    def prefill(self, slot: int, prompt: Prompt, start: int, stop: int) -> None:
        """Compute positions `start` to `stop` of a prompt into a slot that holds those before."""

    def first(self, slot: int, position: int, sampling: Sampling) -> Tokens:
        """Draw the first token behind the prompt whose last part was computed just now."""

    def step(self, slots: Sequence[int], longest: int, greedy: bool) -> Tokens:
        """Feed each slot its last token and draw the next. No position that is fed is above `longest`."""


@dataclass(slots=True)
class Pending:
    """Tokens on their way to the host, and the event behind their copy."""

    tokens: torch.Tensor
    event: Any
    rows: int

    def read(self) -> list[int]:
        if self.event is not None:
            self.event.synchronize()
        found: list[int] = self.tokens[: self.rows].tolist()
        return found


class Stepper:
    """Runs a model and a sampler. With `capture` a step is a CUDA graph; on the CPU it never is."""

    def __init__(self, model: Model, sampler: Sampler, *, capture: bool = False) -> None:
        self.slots, self.context, self.rewinds = model.slots, model.context, model.rewinds
        self.model, self.sampler = model, sampler
        self._device = model.device
        self._state = SamplingState(model.slots, model.device)
        self._logits: torch.Tensor | None = None
        self._cuda = self._device.type == "cuda"
        self._captures = capture and self._cuda
        self._graphs: dict[tuple[int, int, bool], _Graph] = {}
        self._pool: Any = None
        self._ring = [self._pinned() for _ in range(4)]  # more than the steps that are in flight
        self._turn = 0

    @property
    def weights(self) -> Weights:
        """The model's. Raises: AttributeError for one that is not the engine's own."""
        weights: Weights = self.model.weights  # type: ignore[attr-defined]
        return weights

    @property
    def graphs(self) -> int:
        """How many steps are captured."""
        return len(self._graphs)

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
        self._logits = self.model.prefill(slot, start, parts[0] if len(parts) == 1 else torch.cat(parts))

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

    def step(self, slots: Sequence[int], longest: int, greedy: bool) -> Pending:
        if not self._captures:
            rows = self._to_device(slots)
            context = longest + 1 if not self._cuda else self._bucket(longest)
            return self._copied(self._compute(rows, context, greedy), len(slots))
        batch = next(size for size in BATCHES if size >= len(slots))
        graph = self._graph(batch, self._bucket(longest), greedy)
        padded = [*slots, *[self.slots] * (batch - len(slots))]
        if graph.slots != padded:
            graph.rows.copy_(self._to_device(padded), non_blocking=True)
            graph.slots = padded
        graph.replay()
        return self._copied(graph.tokens, len(slots))

    def _bucket(self, longest: int) -> int:
        return min(self.context, next((size for size in CONTEXTS if size > longest), self.context))

    def _compute(self, rows: torch.Tensor, context: int, greedy: bool) -> torch.Tensor:
        """One step in the order of its work: nothing here waits, and no shape depends on a value."""
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
        host[: len(tokens)].copy_(tokens, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        return Pending(host, event, rows)

    def _graph(self, batch: int, context: int, greedy: bool) -> _Graph:
        key = (batch, context, greedy)
        if key not in self._graphs:
            self._graphs[key] = self._capture(batch, context, greedy)
        return self._graphs[key]

    def _capture(self, batch: int, context: int, greedy: bool) -> _Graph:
        """Capture a step, with all rows in the spare slot, so that no session's state moves."""
        slots = [self.slots] * batch
        rows = self._to_device(slots)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):  # libraries set themselves up at their first calls
                self._compute(rows, context, greedy)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            tokens = self._compute(rows, context, greedy)
        self._pool = self._pool or graph.pool()
        return _Graph(rows, tokens, graph.replay, slots)

    def warm_up(self, batch: int, longest: int) -> None:
        """Capture, or run once, a step of each size up to `batch` rows and `longest` positions, greedy and
        drawn, so that no turn pays for it later."""
        if not self._captures:
            for greedy in (True, False):
                self._compute(self._to_device([self.slots]), self._bucket(0), greedy)
            return
        largest = self._bucket(min(longest, self.context - 1))
        contexts = sorted(
            {min(self.context, size) for size in CONTEXTS if min(self.context, size) <= largest}
        )
        batches = [size for size in BATCHES if size < 2 * min(batch, self.slots)]
        for key in itertools.product(batches, contexts, (True, False)):
            self._graph(*key)


@dataclass(slots=True)
class _Graph:
    """A captured step: the slots that it reads from `rows`, and where it leaves their `tokens`."""

    rows: torch.Tensor
    tokens: torch.Tensor
    replay: Callable[[], None]
    slots: list[int]
