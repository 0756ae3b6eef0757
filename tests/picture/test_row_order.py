"""The order of rows: crossings that can be avoided are, and what stands in a frame stays together."""

from __future__ import annotations

from itertools import pairwise

from vflow.picture.layered import laid_out
from vflow.picture.slots import Edge

SIZE = (40.0, 40.0)


def test_lines_that_need_not_cross_do_not() -> None:
    sizes = dict.fromkeys("abcxyz", SIZE)
    layout = laid_out(sizes, [Edge("a", "z"), Edge("b", "y"), Edge("c", "x")])
    for one, other in pairwise(sorted(layout.routes, key=lambda route: route[0].x)):
        assert all(left.x < right.x for left, right in zip(one, other, strict=True))


def test_what_stands_in_a_frame_stays_together() -> None:
    sizes = dict.fromkeys("abcd", SIZE)
    layout = laid_out(sizes, [], {"a": ("one",), "c": ("one",), "b": ("two",), "d": ("two",)})
    order = sorted("abcd", key=lambda name: layout.boxes[name].x)
    assert order in (["a", "c", "b", "d"], ["b", "d", "a", "c"])
