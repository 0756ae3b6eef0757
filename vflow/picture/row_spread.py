"""Place the items of each row from left to right: near the items they are linked with, and frames apart.

Source: least distances with separation constraints by pooling adjacent violators (Best, Chakravarti, "Active
set algorithms for isotonic regression", 1990).
"""

from __future__ import annotations

from collections.abc import Sequence

from vflow.picture.slots import Item, shared, span_of

GAP_X = 26.0
"""Distance between neighbours of a row, in pixels."""
Frame = tuple[str, ...]
FRAME = 14.0
"""Margin around the items in a frame."""
APART = 8.0
"""Distance between a frame and the items beside it."""
SWEEPS = 16


def spread(table: Sequence[Sequence[Item]]) -> None:
    """Give each item of a row its x: as near to the items it is linked with as the others allow."""
    for row in table:
        left = 0.0
        for item in row:
            item.x = left + item.width / 2
            left += item.width + GAP_X
    for sweep in range(3 * SWEEPS):
        down = sweep % 2 == 0
        for row in table if down else reversed(table):
            _settle(row, both=sweep >= 2 * SWEEPS, down=down)


def _settle(row: Sequence[Item], both: bool, down: bool) -> None:
    wanted: list[list[tuple[float, float]]] = []
    offset, offsets = 0.0, []
    for at, item in enumerate(row):
        if at:
            offset += (row[at - 1].width + item.width) / 2 + _gap(row[at - 1], item)
        offsets.append(offset)
        near = [*item.above, *item.below] if both else item.above if down else item.below
        pulls = [(pull.wanted - offset, pull.weight) for pull in near]
        wanted.append([*pulls, (item.x - offset, 0.1)])
    for item, x, offset in zip(row, _isotonic(wanted), offsets, strict=True):
        item.x = x + offset


def _gap(left: Item, right: Item) -> float:
    """Return the distance between two neighbours: more if a frame ends or begins between them."""
    common = len(shared(left.group, right.group))
    return GAP_X + FRAME * (len(left.group) + len(right.group) - 2 * common)


def _isotonic(wanted: Sequence[list[tuple[float, float]]]) -> list[float]:
    """Return the rising numbers with the least sum of weighted distances from the wanted ones. Distances, not
    squares, leave a long line straight, with one bend."""
    pools: list[tuple[float, list[tuple[float, float]], int]] = []
    for pulls in wanted:
        pools.append((_median(pulls), pulls, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (_, one, many), (_, other, few) = pools[-2:]
            pools[-2:] = [(_median([*one, *other]), [*one, *other], many + few)]
    return [value for value, _, count in pools for _ in range(count)]


def _median(pulls: list[tuple[float, float]]) -> float:
    """Return the weighted median; between two, their middle."""
    pulls = sorted(pulls)
    half = sum(weight for _, weight in pulls) / 2
    passed = 0.0
    for at, (value, weight) in enumerate(pulls):
        passed += weight
        if passed > half:
            return value
        if passed == half and at + 1 < len(pulls):
            return (value + pulls[at + 1][0]) / 2
    return pulls[-1][0]


def part(table: Sequence[Sequence[Item]], framed: Sequence[Frame]) -> None:
    """Move apart each frame and the items inside it that do not belong to it; only to the right."""
    for _ in range(8 * len(framed)):
        if True not in [_part_one(table, frame) for frame in framed]:
            return


def _part_one(table: Sequence[Sequence[Item]], frame: Frame) -> bool:
    """Move one frame and its neighbours apart. Return whether anything moved."""
    moved = False
    for row in (table[at] for at in span_of(table, frame)):
        inside = [item.group[: len(frame)] == frame for item in row]
        first, last = inside.index(True), len(inside) - 1 - inside[::-1].index(True)
        if (
            first
            and (over := _sides(table, row[first - 1], frame)[1] - sides_of(table, frame)[0]) > -APART + 0.01
        ):
            _push(table, frame, over + APART)
            moved = True
        if last + 1 < len(row):
            after = row[last + 1]
            over = sides_of(table, frame)[1] - _sides(table, after, frame)[0]
            if over > -APART + 0.01:
                outer = _outer(after, frame)
                if outer:
                    _push(table, outer, over + APART)
                else:
                    for item in row[last + 1 :]:
                        item.x += over + APART
                moved = True
    return moved


def _outer(item: Item, frame: Frame) -> Frame:
    """Return the outermost frame that contains an item but not `frame`; () for none."""
    depth = len(shared(item.group, frame))
    return item.group[: depth + 1] if len(item.group) > depth else ()


def _sides(table: Sequence[Sequence[Item]], item: Item, frame: Frame) -> tuple[float, float]:
    """Return the left and right side of an item, or of the frame around it that is beside `frame`."""
    if outer := _outer(item, frame):
        return sides_of(table, outer)
    return item.x - item.width / 2, item.x + item.width / 2


def sides_of(table: Sequence[Sequence[Item]], frame: Frame) -> tuple[float, float]:
    """Return the left and right side of a frame, with room for the frames in it."""
    members = [item for row in table for item in row if item.group[: len(frame)] == frame]
    deeper = max(len(item.group) for item in members) - len(frame) + 1
    left = min(item.x - item.width / 2 for item in members)
    return left - FRAME * deeper, max(item.x + item.width / 2 for item in members) + FRAME * deeper


def _push(table: Sequence[Sequence[Item]], frame: Frame, over: float) -> None:
    """Move a frame, and everything to its right, to the right."""
    for row in table:
        inside = [item.group[: len(frame)] == frame for item in row]
        if True in inside:
            for item in row[inside.index(True) :]:
                item.x += over
