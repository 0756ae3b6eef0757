"""Items of a row are placed near the items they are linked with, and apart from each other."""

from __future__ import annotations

from itertools import pairwise

from vflow.picture.layered import laid_out
from vflow.picture.row_spread import APART, GAP_X
from vflow.picture.slots import Edge

SIZE = (40.0, 40.0)


def test_neighbours_keep_their_distance() -> None:
    boxes = laid_out(dict.fromkeys("abc", SIZE), []).boxes
    xs = sorted(box.x for box in boxes.values())
    assert [right - left for left, right in pairwise(xs)] == [40 + GAP_X, 40 + GAP_X]


def test_a_branch_stands_about_its_source() -> None:
    boxes = laid_out(dict.fromkeys("abc", SIZE), [Edge("a", "b"), Edge("a", "c")]).boxes
    assert boxes["b"].x < boxes["a"].x < boxes["c"].x


def test_a_frame_and_what_is_beside_it_stand_apart() -> None:
    sizes = {"a": SIZE, "wide": (200.0, 40.0), "other": SIZE, "end": SIZE}
    edges = [Edge("a", "wide"), Edge("other", "end"), Edge("a", "end")]
    layout = laid_out(sizes, edges, {"a": ("bin",), "wide": ("bin",)})
    frame = layout.frames["bin",]
    for name in ("other", "end"):
        box = layout.boxes[name]
        assert box.x >= frame.right + APART - 0.02 or box.right <= frame.x - APART + 0.02
