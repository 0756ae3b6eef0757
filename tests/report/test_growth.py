"""A node that keeps something of every packet is named; one that has a bound is not."""

from __future__ import annotations

import queue
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Takes
from vflow import Audio, In
from vflow.graph.loader import load_text
from vflow.report import growth
from vflow.report.growth import LOOKS, PACKETS, Growth, watched
from vflow.runtime.pipeline import Pipeline

STEP = PACKETS // LOOKS


class Keeps(Takes):
    """Keeps whatever a test puts into it."""

    audio = In(Audio())

    def __init__(self, kept: Any) -> None:
        super().__init__()
        self.table = list(range(3 * PACKETS))  # as a vocabulary: it is long, and stays so
        self.kept = kept


class Inner:
    def __init__(self, kept: Any) -> None:
        self.deep = kept


def looks(node: Keeps, put: Callable[[int], None], step: int = STEP, times: int = LOOKS + 2) -> list[str]:
    """Return the findings while packets come in steps."""
    found, growing = [], Growth({"store": node})
    for number in range(times):
        found += [text for _, text in growing.look({"store": number * step})]
        for packet in range(step):
            put(number * step + packet)
    return found


KINDS: list[tuple[Any, Callable[[Any], Callable[[int], None]]]] = [
    ([], lambda kept: kept.append),
    ({}, lambda kept: lambda n: kept.update({n: n})),
    (set(), lambda kept: kept.add),
    (deque(), lambda kept: kept.append),
    (bytearray(), lambda kept: lambda n: kept.extend(b"x")),
    (queue.Queue(), lambda kept: kept.put),
    (queue.SimpleQueue(), lambda kept: kept.put),
    (defaultdict(int), lambda kept: lambda n: kept.update({n: n})),
    (OrderedDict(), lambda kept: lambda n: kept.update({n: n})),
]


@pytest.mark.parametrize(("kept", "put"), KINDS, ids=lambda value: type(value).__name__)
def test_growth_in_any_container_is_found_and_warned_of_once(kept: Any, put: Any) -> None:
    (text,) = looks(Keeps(kept), put(kept), times=2 * LOOKS + 4)
    assert text.startswith("keeps something of every packet: self.kept has 5,000 entries after 5,000 packets")
    assert text.endswith("give it a bound")


def test_growth_inside_a_nodes_own_object_is_found() -> None:
    kept: list[int] = []
    (text,) = looks(Keeps(Inner(Inner(kept))), kept.append)
    assert "self.kept.deep.deep has 5,000 entries" in text


def test_a_growing_container_that_is_replaced_is_found_by_its_name() -> None:
    node = Keeps(b"")

    def put(_: int) -> None:
        node.kept += b"ab"

    assert "self.kept has 10,000 entries" in looks(node, put)[0]


@pytest.mark.parametrize(
    ("kept", "put"),
    [
        (deque(maxlen=2 * PACKETS), lambda kept: kept.append),
        (queue.Queue(2 * PACKETS), lambda kept: lambda n: kept.full() or kept.put(n)),
        ([], lambda kept: lambda n: kept.append(n) if n % 10 == 0 else None),
        ([], lambda kept: lambda n: kept.clear() if n % (STEP * 3) == 0 else kept.append(n)),
        (Counter(), lambda kept: lambda n: kept.update(["packets"])),
        ([], lambda kept: lambda n: None),
    ],
    ids=["bounded", "bounded queue", "sometimes", "emptied", "counted", "constant"],
)
def test_bounded_or_slow_growth_is_not_warned_of(kept: Any, put: Any) -> None:
    assert looks(Keeps(kept), put(kept), times=4 * LOOKS) == []


def test_the_runtimes_own_objects_are_not_examined() -> None:
    kept: list[int] = []
    node = Keeps([])
    node.__dict__["ctx"] = Inner(kept)
    assert looks(node, kept.append) == []


def test_few_packets_give_no_warning() -> None:
    kept: list[int] = []
    assert looks(Keeps(kept), kept.append, step=10, times=100) == []


def test_a_count_that_lags_behind_does_not_matter() -> None:
    kept: list[int] = []
    growing = Growth({"store": Keeps(kept)})
    found = []
    for number in range(PACKETS):
        found += growing.look({"store": number // 7 * 7})
        kept.append(number)
    found += growing.look({"store": PACKETS})
    assert [name for name, _ in found] == ["store"]


def test_looks_without_new_packets_give_no_warning() -> None:
    watched, node = Growth({"store": Keeps([])}), PACKETS
    assert [found for _ in range(100) for found in watched.look({"store": node})] == []
    assert list(watched.look({})) == []


def test_the_warning_of_a_run_is_on_its_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "EVERY_S", 0.01)
    monkeypatch.setattr(growth, "PACKETS", 50)

    class Leaks(Takes):
        """Remembers all that it hears."""

        audio = In(Audio())

        def __init__(self) -> None:
            super().__init__()
            self.heard: list[Any] = []

        def process(self, packet: Any) -> None:
            self.heard.append(packet)

    text = "nodes: {tone: {use: test_tone, duration: 1h, frame: 1ms, pace: clock}, store: {use: leaks}}\n"
    running = Pipeline(load_text(f"{text}links: [tone -> store]\n", nodes={"leaks": Leaks}))
    told = threading.Event()
    warned: list[str] = []

    def listen(message: Any) -> None:
        if message.kind == "warning" and message.source == "store":
            warned.append(message.text)
            told.set()

    running.bus.listen(listen)
    with running, watched(running):
        running.start()
        assert told.wait(PATIENCE_S)
    assert "vflow:growth" not in [thread.name for thread in threading.enumerate()]
    assert "self.heard has " in warned[0]
