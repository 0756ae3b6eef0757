"""Order each row of a layered layout so that few lines cross."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

from vflow.picture.slots import Item

Frame = tuple[str, ...]
SWEEPS = 16


def order(table: list[list[Item]]) -> None:
    """Order each row by the mean place of its neighbours, downwards and upwards in turn. Keep the order with
    the fewest crossings. Frames have the same order in all rows."""
    for row in table:
        _number(row)
    for row in table:
        _sort(row, {}, down=None)
    best, fewest = [list(row) for row in table], _crossings(table)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        middles = _middles(table)
        for row in table if down else reversed(table):
            _sort(row, middles, down)
        if (crossings := _crossings(table)) < fewest:
            best, fewest = [list(row) for row in table], crossings
    table[:] = best


def _number(row: Sequence[Item]) -> None:
    for at, item in enumerate(row):
        item.x = float(at)


def _middles(table: Sequence[Sequence[Item]]) -> dict[Frame, float]:
    """Return the mean place of each frame, over all its rows."""
    places: dict[Frame, list[float]] = {}
    for row in table:
        for item in row:
            for depth in range(len(item.group)):
                places.setdefault(item.group[: depth + 1], []).append(item.x)
    return {frame: sum(found) / len(found) for frame, found in places.items()}


def _sort(row: list[Item], middles: Mapping[Frame, float], down: bool | None) -> None:
    def key(item: Item) -> list[tuple[float, str]]:
        near = [] if down is None else [pull.other.x for pull in (item.above if down else item.below)]
        wanted = sum(near) / len(near) if near else item.x
        frames = [item.group[: depth + 1] for depth in range(len(item.group))]
        return [*((middles.get(frame, 0.0), frame[-1]) for frame in frames), (wanted, "")]

    row.sort(key=key)
    _number(row)


def _crossings(table: Sequence[Sequence[Item]]) -> int:
    """Count the lines that cross between neighbouring rows: inversions, by a sorted list."""
    count = 0
    for row in table[:-1]:
        seen: list[float] = []
        for item in row:
            for x in sorted(pull.other.x for pull in item.below):
                count += len(seen) - bisect.bisect_right(seen, x)
            for pull in item.below:
                bisect.insort(seen, pull.other.x)
    return count
