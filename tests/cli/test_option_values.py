"""Values of options, and what is said of wrong ones."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from vflow.cli import option_values


@pytest.mark.parametrize(
    ("take", "text", "value"),
    [
        (option_values.port, "0", 0),
        (option_values.watch_port, "8080", 8080),
        (option_values.count, "10000", 10_000),
        (option_values.seconds, "0", 0),
        (option_values.address, "http://collector:4318", "http://collector:4318"),
        (option_values.address, "", ""),
    ],
)
def test_value_within_its_range_is_taken(take: Callable[[str], object], text: str, value: object) -> None:
    assert take(text) == value


@pytest.mark.parametrize(
    ("take", "text", "told"),
    [
        (option_values.port, "65536", "not a whole number from 0 to 65,535"),
        (option_values.watch_port, "g.yaml", "FILE goes before --watch"),
        (option_values.count, "0", "not a whole number from 1 to 10,000"),
        (option_values.seconds, "-1", "not a whole number from 0"),
        (option_values.count, "\u0663", "not a whole number"),
        (option_values.address, "g.yaml", "FILE goes before --otel"),
        (option_values.address, "collector:4317", "no address such as http://localhost:4318"),
    ],
)
def test_other_value_is_refused_in_words(take: Callable[[str], object], text: str, told: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        take(text)
