"""The description of the agent that a client gets when its session begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from tests import scripted_agent
from tests.web.live import Live, agent
from vflow import Duration, In, Node, Text, prop
from vflow.graph.loader import load
from vflow.props import props_of
from vflow.runtime.pipeline import Pipeline
from vflow.session.preloaded import load_for_sessions
from vflow.web.description import describe, kind_of, targets


class Knobs(Node):
    """Has a property of each kind."""

    speed: float = prop(1.0, ge=0.5, le=2, unit="x", doc="how fast", hot=True)
    count: int = prop(3, hot=True)
    on: bool = prop(True, hot=True)
    wait: Duration = prop("480ms", ge="1ms", hot=True)
    mode: Literal["a", "b"] = prop("a", hot=True)
    voice: str = prop("x", choices=("x", "y"), hot=True)
    limit: float | None = prop(None, hot=True)
    table: dict[str, float] = prop({}, hot=True)
    cold: int = prop(1)
    text = In(Text("word"))

    def process(self, packet: Any) -> None:
        return None


def test_hot_properties_come_with_type_value_and_bounds(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text(
        "nodes: {typed: {use: app_text}, mic: {use: app_source}, vad: {use: vad.energy},"
        " answer: {use: t.answer}, knobs: {use: knobs}}\n"
        "links: [typed.text -> answer.typed, mic -> vad -> answer -> knobs]\n"
    )
    graph = load(file, nodes={**scripted_agent.NODES, "knobs": Knobs})
    about = describe(Pipeline(graph))
    found = {each.pop("name"): each for each in about["properties"] if each.pop("node") == "knobs"}
    assert json.loads(json.dumps(found)) == {
        "speed": {"type": "number", "value": 1.0, "doc": "how fast", "unit": "x", "min": 0.5, "max": 2},
        "count": {"type": "integer", "value": 3, "doc": ""},
        "on": {"type": "boolean", "value": True, "doc": ""},
        "wait": {"type": "duration", "value": "480ms", "doc": "", "min": "1ms"},
        "mode": {"type": "choice", "value": "a", "doc": "", "choices": ["a", "b"]},
        "voice": {"type": "choice", "value": "x", "doc": "", "choices": ["x", "y"]},
        "limit": {"type": "number", "value": None, "doc": ""},
    }
    assert kind_of(props_of(Knobs)["table"]) == ""
    assert about["output_rate"] is None
    assert about["text"]
    assert about["audio"]


def test_the_graph_comes_with_roles_and_the_bounds_of_its_links(tmp_path: Path) -> None:
    with agent(tmp_path) as preloaded:
        pipeline = preloaded.take()
        try:
            about = describe(pipeline)
            levels = pipeline.levels()
        finally:
            pipeline.stop()
    roles = {node["name"]: node["role"] for node in about["graph"]["nodes"]}
    assert (roles["mic"], roles["answer"], roles["speaker"]) == ("mic", "", "speaker")
    links = {link["name"]: link for link in about["graph"]["links"]}
    assert {name for name, link in links.items() if link["capacity"]} == levels.keys()
    assert links["voice.audio -> speaker.audio"]["from"] == "voice"
    assert links["voice.audio -> speaker.audio"]["capacity_ms"] == 2_000
    assert set(levels.values()) == {0.0}


@pytest.mark.parametrize(
    ("budget", "name"), [("speech_end", "compute"), ("voice_off", "v2v"), (None, "compute")]
)
def test_the_targets_are_the_promises_and_the_graphs_own_budget(
    tmp_path: Path, budget: str | None, name: str
) -> None:
    text = f"budget: {{from: {budget}, to: first_audio, max: 900ms}}" if budget else ""
    graph = load_for_sessions(scripted_agent.graph(tmp_path, budget=text), nodes=scripted_agent.NODES)
    assert targets(graph)[name] == (900 if budget else 300)
    assert targets(graph)["first_word"] == 100


def test_a_client_is_told_all_that_when_it_begins(live: Live) -> None:
    with live.client() as client:
        about = client.begin(input_rate=48_000)
    assert about["input_rate"] == 48_000
    assert about["session"]
    assert not about["push_to_talk"]
    assert {"properties", "graph", "targets", "text"} <= about.keys()
