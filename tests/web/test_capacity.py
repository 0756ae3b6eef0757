"""The number of sessions that keep the promised latency follows from the cost of one turn."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests import scripted_agent
from vflow import Node, TextPacket, prop
from vflow.resources import usable_cores
from vflow.session.preloaded import Preloaded, load_for_sessions
from vflow.web.capacity import MOST, Cost, measured, sessions_for
from vflow.web.supply import serving_options

QUESTION = scripted_agent.utterance()
BUDGET = "budget: {from: voice_off, to: first_audio, max: 600ms}"


@pytest.mark.parametrize(
    ("cost", "cores", "most"),
    [
        (Cost(hearing=0.02, answering=0.5, within_s=1.3), 2, 4),
        (Cost(hearing=0.02, answering=0.5, within_s=1.3), 1, 2),
        (Cost(hearing=0.4, answering=0.01, within_s=1.1), 2.1, 4),  # as many as can be heard at once
        (Cost(hearing=0.02, answering=5, within_s=1.1), 2, 1),  # it could not even serve one in time
        (Cost(hearing=0.001, answering=0.001, within_s=1.1), 2, MOST),
        (Cost(hearing=0, answering=0, within_s=1.1), 2, MOST),
    ],
)
def test_as_many_are_served_as_are_heard_and_answered_in_time(cost: Cost, cores: float, most: int) -> None:
    assert sessions_for(cost, cores) == most


class Working(scripted_agent.Answer):
    """An answer that costs half a second of CPU."""

    def _say(self, text: str, turn: int) -> Any:
        until_s = time.thread_time() + 0.5
        while time.thread_time() < until_s:
            pass
        yield from super()._say(text, turn)


class Asking(scripted_agent.Answer):
    """An answer that would be asked of another machine."""

    base_url: str = prop("http://192.0.2.1/v1")


class Mute(scripted_agent.Answer):
    """Fails at its first turn."""

    def _say(self, text: str, turn: int) -> Any:
        raise ValueError
        yield TextPacket(text="", turn=turn)


def room(
    folder: Path, answer: type[Node] = scripted_agent.Answer, budget: str = BUDGET, **options: Any
) -> int | None:
    nodes: dict[str, type[Node]] = {**scripted_agent.NODES, "t.answer": answer}
    graph = scripted_agent.graph(folder, budget)
    with Preloaded(load_for_sessions(graph, nodes=nodes, **{**serving_options(), **options})) as agent:
        return measured(agent, QUESTION)


@pytest.mark.parametrize("push_to_talk", [False, True])
def test_a_turn_that_works_for_long_leaves_room_for_few(tmp_path: Path, push_to_talk: bool) -> None:
    found = room(tmp_path, Working, push_to_talk=push_to_talk)
    assert found is not None
    assert 1 <= found <= max(1, int(usable_cores() * 0.6 / 0.5))


def test_capacity_that_cannot_be_told_is_none(tmp_path: Path) -> None:
    assert room(tmp_path, budget="") is None
    assert room(tmp_path, Asking) is None
    assert room(tmp_path, Mute) is None


def test_a_graph_that_hears_nothing_is_not_asked(tmp_path: Path) -> None:
    assert room(tmp_path, text="alone") is None
