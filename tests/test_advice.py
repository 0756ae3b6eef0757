"""Advice: it says by how much, or that nothing is gained."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vflow import Advice, Node
from vflow.advice import Advises


def test_advice_without_figures_is_refused_unless_it_gains_nothing() -> None:
    with pytest.raises(ValueError, match="dtype: faster by what"):
        Advice("dtype", "int8", "less to read", "faster")
    assert Advice("tf32", "true", "touches no bfloat16", "none").ratio is None


def test_one_figure_without_the_other_is_refused() -> None:
    with pytest.raises(ValueError, match="given together"):
        Advice("dtype", "int8", "less to read", "smaller", before=2.0, unit="GB")


def test_it_names_what_set_takes() -> None:
    advice = Advice("dtype", "int8", "", "faster", 3.0, 1.5, "ms", node="generator.chat")
    assert (advice.name, advice.ratio) == ("generator.chat.dtype", 2.0)
    assert Advice("threads.torch", "2", "", "faster", 3.0, 1.5, "ms", node="").name == "threads.torch"


def test_a_node_advises_by_having_the_method() -> None:
    class Silent(Node):
        """Has nothing to say."""

    class Advising(Node):
        """Has."""

        def advise(self) -> Iterator[Advice]:
            yield Advice("a", "b", "", "none")

    assert not isinstance(Silent(), Advises)
    assert isinstance(Advising(), Advises)
