"""Values of options: each function returns one, or raises argparse.ArgumentTypeError with what is wrong."""

from __future__ import annotations

import argparse

from vflow.otel.wanted import USUAL, is_address


def address(text: str) -> str:
    if text and not is_address(text):  # '' stands for no address
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is no address such as {USUAL}; FILE goes before --otel"
        )
    return text


def port(text: str) -> int:
    return whole(text, 0, 65_535)


def watch_port(text: str) -> int:
    try:
        return port(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; FILE goes before --watch") from None


def count(text: str) -> int:
    return whole(text, 1, 10_000)


def seconds(text: str) -> int:
    return whole(text, 0, 3_600)


def whole(text: str, low: int, high: int) -> int:
    """Return a whole number in this range. Raises: argparse.ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number from {low:,} to {high:,}")
    return int(text)
