"""Whatever is drawn: nothing overlaps, no line crosses a box or a label, frames hold what is theirs alone."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings

from tests.picture.drawings import Drawing, drawings, faults
from vflow.picture.layered import Rect, laid_out
from vflow.picture.slots import Edge


@given(drawings())
@settings(max_examples=150)
def test_nothing_overlaps_and_no_line_crosses_a_box(drawing: Drawing) -> None:
    sizes, edges, groups = drawing
    assert list(faults(laid_out(sizes, edges, groups), edges, groups)) == []


def test_sixty_boxes_are_laid_out_like_three() -> None:
    chance = random.Random(7)
    names = [f"node{at}" for at in range(60)]
    sizes = {name: (chance.uniform(60, 220), 60.0) for name in names}
    pairs = [(at, min(59, at + 1 + int(chance.expovariate(0.5)))) for at in range(59) for _ in range(2)]
    pairs += [(40, 3), (59, 20)]
    edges = [Edge(names[one], names[other], (120.0, 28.0)) for one, other in pairs if one != other]
    groups = {name: (f"bin{at // 8}",) for at, name in enumerate(names) if at % 16 < 8}
    layout = laid_out(sizes, edges, groups)
    assert list(faults(layout, edges, groups)) == []
    assert sum(layout.turned) == 2


def test_a_chain_stands_in_one_column() -> None:
    sizes = dict.fromkeys("abcd", (100.0, 50.0))
    layout = laid_out(sizes, [Edge("a", "b"), Edge("b", "c"), Edge("c", "d")])
    assert {stretch.x for route in layout.routes for stretch in route} == {50.0}
    assert layout.width == 100


def test_an_edge_against_the_order_is_turned_and_its_route_runs_down() -> None:
    layout = laid_out({"a": (50.0, 50.0), "b": (50.0, 50.0)}, [Edge("a", "b"), Edge("b", "a")])
    assert layout.turned == [False, True]
    assert all(one.bottom <= other.top for route in layout.routes for one, other in pairwise(route))


def test_boxes_overlap_where_they_share_more_than_an_edge() -> None:
    box = Rect(0, 0, 10, 10)
    assert box.overlaps(Rect(9, 9, 5, 5))
    assert not box.overlaps(Rect(10, 0, 5, 5))
    assert not box.overlaps(Rect(0, 10, 5, 5))
