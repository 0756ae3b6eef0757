"""Items of a conversation."""

from __future__ import annotations

from vflow.web.realtime.items import MOST_ITEMS, Item, Items


def test_items_stand_in_order_and_the_oldest_are_forgotten() -> None:
    items = Items()
    first, second = Item("user", "input_text", -1, "a"), Item("user", "input_text", -2, "b")
    assert [items.add(first), items.add(second)] == [None, first.id]
    assert items.last() == second.id
    items.remove(second)
    assert (items.last(), items.get(second.id)) == (first.id, None)
    for at in range(MOST_ITEMS):
        items.add(Item("user", "input_text", -at, "x"))
    assert len(items) == MOST_ITEMS
    assert items.get(first.id) is None


def test_an_item_of_sound_has_a_transcript_and_one_of_text_a_text() -> None:
    assert Item("user", "input_audio", 1, "hi").as_dict()["content"] == [
        {"type": "input_audio", "transcript": "hi"}
    ]
    assert Item("assistant", "output_text", 1, "hi").as_dict()["content"] == [
        {"type": "output_text", "text": "hi"}
    ]
    assert Item("assistant", "output_text", 1, "hi").as_dict(False)["content"] == []


def test_words_are_heard_whose_middle_has_sounded() -> None:
    item = Item("assistant", "output_audio", 1, spans=[(0.1, "one"), (0.3, "two"), (0.5, "three")])
    assert [item.heard(at) for at in (0, 0.2, 0.3, 0.31, 9)] == ["", "one", "one", "one two", "one two three"]
