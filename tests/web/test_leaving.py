"""Clients that leave in each way that a client can: nothing of them stays, by each protocol."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests import scripted_agent
from tests.benchmarks.conftest import BENCHMARKS, benchmark  # noqa: F401 - a fixture
from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live, agent
from vflow import Pipeline, Session
from vflow.web.connection import Connection
from vflow.web.limits import Limits
from vflow.web.line import Line

WAYS = (
    "ends",
    "closes",
    "shuts",
    "resets",
    "dies",
    "breaks_off",
    "resumes",
    "says_nothing",
    "never_starts",
    "reads_nothing",
    "is_refused",
    "half_a_header",
)


@pytest.fixture
def leaving(benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:  # noqa: F811
    module = benchmark("leaving")
    monkeypatch.setattr(module, "TOKEN", TOKEN)
    monkeypatch.setattr(module, "DEAF_S", 0)
    monkeypatch.setattr(benchmark("crowd.visitor"), "PACE_S", 0)
    return module


def counts() -> tuple[int, int, int]:
    """Threads of vflow, descriptors, and objects of sessions."""
    gc.collect()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("vflow:")]
    objects = [each for each in gc.get_objects() if type(each) in (Session, Line, Connection, Pipeline)]
    return len(threads), len(os.listdir("/proc/self/fd")), len(objects)


def test_every_way_is_tried(leaving: ModuleType) -> None:
    assert tuple(way.__name__ for way in leaving.WAYS) == WAYS
    assert BENCHMARKS.is_dir()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted by Linux's /proc")
@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_leaves_leaves_nothing_behind(way: str, leaving: ModuleType, tmp_path: Path) -> None:
    waits_s = PATIENCE_S if way == "resumes" else 0.05
    limits = Limits(sessions=8, resume_for_s=waits_s)
    with agent(tmp_path, word_ms=40) as preloaded, Live(preloaded, limits) as live:
        said = leaving.spoken(scripted_agent.utterance().samples)
        street = leaving.Street(("127.0.0.1", live.port), said)

        def visit() -> None:
            for kind in leaving.KINDS:
                getattr(leaving, way)(street, kind, random.Random(1))

        live.until(lambda: preloaded.ready == 1)
        before = counts()
        visit()
        if way == "resumes":  # they would be waited for
            live.stop()
        live.until(lambda: not live.roster.guests and preloaded.ready == 1)
        live.until(lambda: all(now <= was for now, was in zip(counts(), before, strict=True)))
