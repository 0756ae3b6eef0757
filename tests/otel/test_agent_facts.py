"""The facts of an agent that its spans hold."""

from __future__ import annotations

from typing import Any

import pytest

from vflow import In, Node, Out, Text, prop
from vflow.graph.loader import load_text
from vflow.otel.agent_facts import AgentFacts, NodeFacts, agent_facts
from vflow.runtime.pipeline import Pipeline


class Asks(Node):
    """Emits nothing."""

    out = Out(Text("final"))

    def produce(self) -> Any:
        yield None


class Model(Node):
    """Answers."""

    generates = True
    model: str = prop("tiny")
    base_url: str = prop("")
    text = In(Text("final"))
    words = Out(Text("word"))

    def process(self, packet: Any) -> Any:
        return None


class Odd(Model):
    """Has a model that is no name."""

    model: int = prop(3)  # type: ignore[assignment]


def facts(answer: str, file: str = "folder/an agent.yaml") -> AgentFacts:
    nodes = f"{{ask: {{use: t.asks}}, answer: {answer}, end: {{use: 'null'}}}}"
    text = f"nodes: {nodes}\nlinks: [ask -> answer -> end]\n"
    graph = load_text(text, file=file, nodes={"t.asks": Asks, "t.model": Model, "t.odd": Odd})
    return agent_facts(Pipeline(graph))


def test_node_that_answers_is_known_by_its_model_and_stage() -> None:
    found = facts("{use: t.model, model: large}")
    assert found.name == "an agent"
    assert found.nodes["answer"] == NodeFacts("answer", "t.model", "large")
    assert found.stages == {"thinking": found.nodes["answer"]}
    assert found.nodes["answer"].provider == "vflow"
    assert found.nodes["ask"].model == ""


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("http://localhost:11434/v1", "localhost", 11434),
        ("https://me:secret@api.example.com/v1?key=k", "api.example.com", 443),
        ("http://[::1", "", 0),
    ],
)
def test_remote_model_has_host_and_port_and_nothing_else_of_its_address(
    address: str, host: str, port: int
) -> None:
    found = facts(f"{{use: t.model, base_url: '{address}'}}").nodes["answer"]
    assert (found.host, found.port) == (host, port)
    assert found.provider == ("openai" if host else "vflow")


def test_values_from_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_MODEL", "hush-hush-model")
    assert "hush-hush" not in str(facts("{use: t.model, model: '${A_MODEL}'}").nodes)


def test_odd_properties_and_graphs_without_a_file_have_plain_names() -> None:
    found = facts("{use: t.odd}", "<text>")
    assert (found.name, found.nodes["answer"].model) == ("agent", "")
