from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples
from vflow_nodes.lib.decode.prompt import Embeds, Prompt, shared


def embeds(length: int, fill: float = 0.0) -> Embeds:
    return Embeds(length, lambda: torch.arange(length)[:, None] + fill)


def rows_of(prompt: Prompt, start: int, stop: int) -> list[float]:
    """Return a number for each position: a token's id, or an embedding's first value."""
    found: list[float] = []
    for run in prompt.runs(start, stop):
        if isinstance(run, list):
            found += run
        else:
            part, first, last = run
            found += part.rows()[first:last, 0].tolist()
    return found


@st.composite
def parts(draw: st.DrawFn) -> tuple[list[int | Embeds], list[float]]:
    """Draw parts of a prompt, with some `Embeds` more than once, and the number at each position."""
    pool = [
        embeds(length, 1000.0 * (i + 1))
        for i, length in enumerate(draw(st.lists(st.integers(1, 6), max_size=3)))
    ]
    chosen: list[int | Embeds] = []
    expected: list[float] = []
    for pick in draw(st.lists(st.integers(-3, 200), max_size=20)):
        if pick < 0 and pool:
            part = pool[pick % len(pool)]
            chosen.append(part)
            expected += part.rows()[:, 0].tolist()
        else:
            chosen.append(abs(pick))
            expected.append(float(abs(pick)))
    return chosen, expected


@examples(100)
@given(parts(), st.data())
def test_any_range_of_positions_has_its_own_tokens(
    made: tuple[list[int | Embeds], list[float]], data: st.DataObject
) -> None:
    chosen, expected = made
    prompt = Prompt(chosen)
    assert len(prompt) == len(expected)
    start = data.draw(st.integers(0, len(prompt)))
    stop = data.draw(st.integers(start, len(prompt)))
    assert rows_of(prompt, start, stop) == expected[start:stop]


def test_the_same_embeddings_twice_in_a_row_are_two_runs() -> None:
    part = embeds(2)
    assert rows_of(Prompt([part, part, part]), 1, 6) == [1.0, 0.0, 1.0, 0.0, 1.0]


@examples(100)
@given(st.lists(st.integers(0, 2), max_size=12), st.lists(st.integers(0, 2), max_size=12))
def test_shared_returns_the_length_of_the_common_prefix(one: Sequence[int], other: Sequence[int]) -> None:
    n = shared(one, other)
    assert one[:n] == other[:n]
    assert n == min(len(one), len(other)) or one[n] != other[n]


def test_the_same_embeddings_are_shared_and_equal_ones_are_not() -> None:
    same, other = embeds(4), embeds(4)
    assert shared(Prompt([1, same, 7]).keys, Prompt([1, same, 8]).keys) == 5
    assert shared(Prompt([1, same]).keys, Prompt([1, other]).keys) == 1
    assert all(key < 0 for key in Prompt([same, other]).keys)


def test_embeddings_are_computed_once_and_only_when_they_are_needed() -> None:
    calls: list[int] = []

    def make() -> torch.Tensor:
        calls.append(1)
        return torch.zeros(3, 1)

    part = Embeds(3, make)
    prompt = Prompt([5, part, 6])
    assert prompt.runs(0, 1) == [[5]]
    assert not calls
    rows_of(prompt, 0, 5)
    rows_of(Prompt([part]), 1, 2)
    assert calls == [1]


def test_embeddings_of_another_length_than_announced_are_refused_each_time() -> None:
    part = Embeds(4, lambda: torch.zeros(3, 1))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^3 embeddings were made where 4 were announced$"):
            part.rows()
