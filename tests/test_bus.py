from __future__ import annotations

import asyncio
import threading

import pytest

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


@pytest.mark.parametrize("error", [SystemExit, MemoryError, GeneratorExit])
def test_a_listener_that_exits_is_a_warning_to_the_reader(error: type[BaseException]) -> None:
    bus, heard = Bus(), []

    def leave(_: Message) -> None:
        raise error("enough")

    bus.listen(leave)
    bus.listen(lambda m: heard.append(m.text))
    bus.post(message("a"))
    bus.close()
    assert heard == ["a"]
    assert [m.text for m in bus] == ["a", f"a listener failed: {error.__name__}: enough"]


def test_a_listeners_keyboard_interrupt_is_ctrl_c_in_the_main_thread_alone() -> None:
    bus, heard = Bus(), []

    def interrupt(_: Message) -> None:
        raise KeyboardInterrupt

    bus.listen(interrupt)
    bus.listen(lambda m: heard.append(m.text))
    with pytest.raises(KeyboardInterrupt):
        bus.post(message("a"))
    other = threading.Thread(target=bus.post, args=[message("b")])
    other.start()
    other.join(PATIENCE_S)
    bus.close()
    assert heard == ["a", "b"]
    assert [m.text for m in bus] == ["a", "b", "a listener failed: KeyboardInterrupt"]


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


def test_an_event_loop_reads_the_bus_while_threads_post() -> None:
    async def read() -> list[str]:
        bus = Bus()
        reading = asyncio.create_task(_texts(bus))
        await asyncio.sleep(0)  # it waits now
        for text in "abc":
            bus.post(Message("state", "pipeline", text=text))
        bus.close()
        return await asyncio.wait_for(reading, PATIENCE_S)

    assert asyncio.run(read()) == ["a", "b", "c"]


async def _texts(bus: Bus) -> list[str]:
    first = await bus.next()
    assert first is not None
    return [first.text, *[message.text async for message in bus]]
