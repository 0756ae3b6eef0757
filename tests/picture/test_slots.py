"""Rows: a box stands below all that lead to it, and a long line takes a slot in each row that it passes."""

from __future__ import annotations

from vflow.picture.slots import Edge, Item, chain_of, rows_of, shared, span_of


def test_a_box_stands_below_all_that_lead_to_it() -> None:
    rows = rows_of(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
    assert rows == {"a": 0, "b": 1, "c": 2}


def test_a_source_stands_right_above_what_it_leads_to() -> None:
    assert rows_of(["a", "b", "c", "s"], [("a", "b"), ("b", "c"), ("s", "c")])["s"] == 1


def test_a_long_line_has_its_label_first() -> None:
    boxes = {"a": Item(10, 10, 0, box="a"), "b": Item(10, 10, 6, box="b")}
    chain = chain_of(3, Edge("a", "b", (50.0, 20.0)), boxes, ("a", "b"))
    assert [item.row for item in chain] == [0, 1, 2, 3, 4, 5, 6]
    assert [item.edge for item in chain[1:-1]] == [3, -1, -1, -1, -1]
    assert [pull.other for pull in chain[2].above] == [chain[1]]


def test_a_frame_spans_its_rows() -> None:
    table = [[Item(1, 1, 0)], [Item(1, 1, 1, ("f",))], [], [Item(1, 1, 3, ("f", "g"))]]
    assert span_of(table, ("f",)) == range(1, 4)
    assert shared(("f", "g"), ("f", "h")) == ("f",)
