from __future__ import annotations

import threading

from tests.stand_ins import PATIENCE_S
from vflow import Bus, Message


def message(text: str) -> Message:
    return Message("warning", "node", 5, text)


def test_messages_come_in_order_until_the_bus_is_closed() -> None:
    bus = Bus()
    for text in "abc":
        bus.post(message(text))
    bus.close()
    assert [m.text for m in bus] == ["a", "b", "c"]
    assert bus.get() is None


def test_get_answers_none_after_its_timeout() -> None:
    assert Bus().get(timeout_s=0.0) is None


def test_a_reader_that_waits_gets_what_another_thread_posts() -> None:
    bus = Bus()
    threading.Timer(0, bus.post, [message("a")]).start()
    got = bus.get(PATIENCE_S)
    assert got is not None
    assert got.text == "a"


def test_a_reader_that_waits_is_let_go_by_close() -> None:
    bus = Bus()
    threading.Timer(0, bus.close).start()
    assert bus.get(PATIENCE_S) is None


def test_unread_messages_beyond_the_limit_drop_the_oldest_counted() -> None:
    bus = Bus(limit=2)
    for text in "abcd":
        bus.post(message(text))
    bus.close()
    assert [m.text for m in bus] == ["c", "d"]
    assert bus.dropped == 2


def test_a_listener_that_raises_is_a_warning_and_keeps_nothing_from_the_others() -> None:
    bus, heard = Bus(), []

    def fail(_: Message) -> None:
        raise ValueError("not today")

    bus.listen(fail)
    bus.listen(lambda m: heard.append(m.text))
    bus.post(message("a"))
    bus.close()
    assert heard == ["a"]
    assert [m.text for m in bus] == ["a", "a listener failed: ValueError: not today"]
