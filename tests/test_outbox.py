"""The queue to the application: bounded, in order, read by threads and by event loops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.stand_ins import PATIENCE_S
from vflow import Outbox


def test_items_come_in_order_and_a_full_outbox_drops_the_oldest() -> None:
    box: Outbox[int] = Outbox(limit=3)
    for n in range(5):
        box.put(n)
    assert box.dropped == 2
    assert [box.get(0), box.get(0), box.get(0), box.get(0)] == [2, 3, 4, None]


def test_close_lets_readers_finish_and_later_items_can_be_read() -> None:
    box: Outbox[int] = Outbox()
    box.put(1)
    box.close()
    assert list(box) == [1]
    assert box.get() is None
    box.put(2)
    assert list(box) == [2]


def test_a_blocked_reader_is_woken_by_an_item_and_by_close() -> None:
    box: Outbox[int] = Outbox()
    got: list[int] = []
    reader = threading.Thread(target=lambda: got.extend(box))
    reader.start()
    box.put(1)
    box.close()
    reader.join(PATIENCE_S)
    assert got == [1]


def test_take_back_removes_unread_items_and_keeps_the_order_of_the_rest() -> None:
    box: Outbox[int] = Outbox()
    for n in range(6):
        box.put(n)
    assert box.take_back(lambda n: n % 2 == 0) == [0, 2, 4]
    box.close()
    assert list(box) == [1, 3, 5]


def test_a_listener_gets_the_items_instead() -> None:
    box: Outbox[int] = Outbox()
    heard: list[int] = []
    box.listen(heard.append)
    box.put(1)
    assert heard == [1]
    assert box.get(0) is None


async def _all(box: Outbox[int]) -> list[int]:
    return [item async for item in box]


def test_coroutine_reads_items_of_threads() -> None:
    async def read() -> list[int]:
        box: Outbox[int] = Outbox()
        reading = asyncio.create_task(_all(box))
        await asyncio.sleep(0)  # it waits now

        def put() -> None:
            for n in range(100):
                box.put(n)
            box.close()

        writer = threading.Thread(target=put)
        writer.start()
        found = await asyncio.wait_for(reading, PATIENCE_S)
        writer.join(PATIENCE_S)
        return found

    assert asyncio.run(read()) == list(range(100))


def test_two_loops_read_one_box_and_each_item_goes_to_one_of_them() -> None:
    box: Outbox[int] = Outbox()
    found: list[int] = []
    readers = [threading.Thread(target=lambda: found.extend(asyncio.run(_all(box)))) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(200):
        box.put(n)
    box.close()
    for reader in readers:
        reader.join(PATIENCE_S)
    assert sorted(found) == list(range(200))


def test_readers_that_gave_up_leave_no_trace() -> None:
    async def give_up() -> Outbox[int]:
        box: Outbox[int] = Outbox()
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(box.next(), 0)
            task = asyncio.create_task(box.next())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return box

    box = asyncio.run(give_up())
    assert not box._waiting
    box.put(1)
    assert box.get(0) == 1


def test_closed_event_loop_does_not_disturb_a_put() -> None:
    box: Outbox[int] = Outbox()
    loop = asyncio.new_event_loop()
    task = loop.create_task(box.next())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    box.put(1)
    assert box.get(0) == 1
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # that is what is tested
