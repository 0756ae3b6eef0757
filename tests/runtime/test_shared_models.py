from __future__ import annotations

import threading

import pytest

from tests.stand_ins import PATIENCE_S, Gate
from vflow.runtime.shared_models import SharedModels


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


def test_two_that_ask_at_once_load_it_once() -> None:
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
