from __future__ import annotations

import threading

import pytest

from tests.stand_ins import PATIENCE_S, Gate
from vflow.runtime.shared_models import MODELS, SharedModels, Shares


class Model:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_all_users_of_a_key_share_one_instance_which_the_last_one_closes() -> None:
    models = SharedModels()
    one, two = models.acquire("key", Model), models.acquire("key", Model)
    assert one is two
    models.release("key")
    assert not one.closed
    models.release("key")
    assert one.closed == 1
    assert models.acquire("key", Model) is not one


def test_two_threads_that_ask_at_once_load_a_model_once() -> None:
    models, gate, loads = SharedModels(), Gate(), []

    def load() -> Model:
        loads.append(1)
        gate.pass_through()
        return Model()

    got: list[Model] = []
    threads = [threading.Thread(target=lambda: got.append(models.acquire("key", load))) for _ in range(2)]
    for thread in threads:
        thread.start()
    gate.wait_reached()
    gate.open()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(loads) == 1
    assert got[0] is got[1]


def test_a_load_that_fails_leaves_nothing_and_may_be_tried_again() -> None:
    models = SharedModels()

    def fail() -> Model:
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        models.acquire("key", fail)
    model = models.acquire("key", Model)
    models.release("key")
    assert model.closed == 1


def test_keys_do_not_wait_for_one_another() -> None:
    models, gate = SharedModels(), Gate()

    def slow() -> Model:
        gate.pass_through()
        return Model()

    thread = threading.Thread(target=models.acquire, args=["slow", slow])
    thread.start()
    gate.wait_reached()
    models.acquire("fast", Model)
    gate.open()
    thread.join(PATIENCE_S)


class Mortal:
    """Dies when it is told to, as an engine does by a fault of its own."""

    closed = False
    closes = 0

    def close(self) -> None:
        self.closes += 1


def test_dead_model_is_loaded_anew_while_another_node_holds_it() -> None:
    models = SharedModels()
    old = models.acquire("key", Mortal)
    old.closed = True
    new = models.acquire("key", Mortal)
    assert new is not old
    assert models.acquire("key", Mortal) is new
    assert old.closes == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_dead_and_fresh_models_are_closed_after_their_own_last_users(
    order: tuple[int, ...],
) -> None:
    models = SharedModels()
    old = models.acquire("key", Mortal)
    models.acquire("key", Mortal)
    old.closed = True
    new = models.acquire("key", Mortal)
    held = [old, old, new]
    for at, user in enumerate(order):
        models.release("key", held[user])
        gone = order[: at + 1]
        assert (old.closes, new.closes) == (int({0, 1} <= {*gone}), int(2 in gone))
    assert models.acquire("key", Mortal) not in (old, new)


def test_model_that_keeps_dying_is_loaded_anew_each_time() -> None:
    models, had = SharedModels(), []
    for _ in range(4):
        had.append(models.acquire("key", Mortal))
        had[-1].closed = True
    assert len({id(one) for one in had}) == 4
    for one in had:
        models.release("key", one)
    assert [one.closes for one in had] == [1, 1, 1, 1]


def test_model_that_is_dead_when_loaded_is_handed_out_without_endless_loading() -> None:
    class Dead(Mortal):
        closed = True

    models = SharedModels()
    first = models.acquire("key", Dead)
    assert models.acquire("key", Dead) is not first


def test_users_keep_a_dead_model_if_its_successor_does_not_load() -> None:
    models = SharedModels()
    old = models.acquire("key", Mortal)
    old.closed = True

    def fail() -> Mortal:
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        models.acquire("key", fail)
    assert models.acquire("key", Mortal) is not old
    models.release("key", old)
    assert old.closes == 1


def test_both_threads_waiting_for_a_failed_load_get_its_error() -> None:
    models, gate, errors = SharedModels(), Gate(), []

    def fail() -> Mortal:
        gate.pass_through()
        raise OSError("no such file")

    def ask() -> None:
        try:
            models.acquire("key", fail)
        except OSError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    gate.wait_reached()
    gate.open()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert errors == ["no such file"] * 2
    assert models.acquire("key", Mortal).closes == 0


def test_threads_that_ask_while_a_model_dies_share_its_successor() -> None:
    models, start, got = SharedModels(), threading.Barrier(9), []
    old = models.acquire("key", Mortal)

    def ask() -> None:
        start.wait(PATIENCE_S)
        for _ in range(50):
            one = models.acquire("key", Mortal)
            got.append(one)
            models.release("key", one)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    start.wait(PATIENCE_S)
    old.closed = True
    for thread in threads:
        thread.join(PATIENCE_S)
    models.release("key", old)
    assert {one.closes for one in got} == {1}
    assert not models._entries


def test_node_that_asks_again_gives_its_dead_model_back() -> None:
    shares = Shares()
    old = shares.take("test_shared_models", Mortal)
    assert shares.take("test_shared_models", Mortal) is old
    old.closed = True
    new = shares.take("test_shared_models", Mortal)
    assert (old.closes, new.closes) == (1, 0)
    assert shares.release() == []
    assert (old.closes, new.closes) == (1, 1)
    assert not MODELS._entries


def test_dead_model_that_cannot_be_closed_is_reported_at_the_end() -> None:
    class Stuck(Mortal):
        def close(self) -> None:
            raise OSError("stuck")

    shares = Shares()
    shares.take("test_shared_models", Stuck).closed = True
    new = shares.take("test_shared_models", Mortal)
    assert [str(error) for error in shares.release()] == ["stuck"]
    assert new.closes == 1


class Busy:
    """A model for which others wait."""

    def __init__(self, **queue: object) -> None:
        self._queue = queue

    def queue(self) -> dict[str, object]:
        return self._queue


def test_queues_are_by_the_name_of_the_model_and_added_up() -> None:
    models = SharedModels()
    models.acquire("chat:/home/me/models/tiny:cpu:auto", lambda: Busy(waiting=2, oldest_s=0.5, waits=3))
    models.acquire("chat:/srv/tiny:cuda", lambda: Busy(waiting=1, oldest_s=2.0, waits=4))
    models.acquire(r"stt:C:\\models\\large", Model)
    models.acquire("judge", lambda: Busy(waiting=0))
    assert models.queues() == {
        "chat:tiny": {"waiting": 3, "oldest_s": 2.0, "waits": 7},
        "judge": {"waiting": 0},
    }


def test_model_whose_queue_cannot_be_read_hides_no_other() -> None:
    models = SharedModels()
    models.acquire("odd", lambda: Busy(waiting="many"))
    models.acquire("none", lambda: Busy.queue)  # a function has no queue
    models.acquire("good", lambda: Busy(waiting=1))
    assert models.queues() == {"good": {"waiting": 1}}
