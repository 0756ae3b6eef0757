"""Typed turns in a graph: beside the voice, in its place, and with a reply in words only."""

from __future__ import annotations

import pytest

from tests.graph.graphs import NODES
from tests.stand_ins import Gives, Takes
from vflow import Audio, Graph, GraphError, In, Out, Text, TextInput
from vflow.graph.loader import load_text


class Voice(Gives):
    audio = Out(Audio(rate=16_000, channels=1))


class Hears(Takes):
    audio = In(Audio())
    text = Out(Text("final"))


class Answers(Takes):
    generates = True
    text = In(Text("final"))
    say = In(Text("reply"), optional=True)
    words = Out(Text("word"))


class Listens(Takes):
    generates = True
    audio = In(Audio())
    text = In(Text("final"), optional=True)
    words = Out(Text("word"))


class Speaks(Takes):
    text = In(Text("word"))
    audio = Out(Audio(rate=16_000, channels=1))


class Groups(Takes):
    text = In(Text("word"))
    out = Out(Text("word"))


class Plays(Takes):
    effect = True
    audio = In(Audio(), several=True)


class Missing(Hears):
    @classmethod
    def unavailable(cls) -> str:
        return "there is no model"


CLASSES = {
    **NODES, "voice": Voice, "hears": Hears, "answers": Answers, "listens": Listens, "speaks": Speaks,
    "groups": Groups, "plays": Plays, "stt.missing": Missing,
}  # fmt: skip
TEXT = """
nodes:
  voice: {use: voice}
  music: {use: voice}
  hears: {use: hears}
  mind: {use: answers}
  groups: {use: groups}
  same: {use: identity}
  speaks: {use: speaks}
  plays: {use: plays}
  seen: {use: console}
links:
  - voice -> hears -> mind -> groups -> speaks -> same -> plays
  - mind -> seen
  - music -> plays
"""


def graph(text: str = TEXT, **wanted: bool) -> Graph:
    return load_text(text, nodes=CLASSES, text_input=TextInput("app_text", **wanted))


def refused(text: str, **wanted: bool) -> str:
    with pytest.raises(GraphError) as raised:
        graph(text, **wanted)
    return str(raised.value)


def names(made: Graph) -> set[str]:
    return set(made.nodes)


def links(made: Graph) -> set[str]:
    return {link.name for link in made.links}


def test_text_node_beside_the_voice_is_linked_to_the_generator() -> None:
    made = graph()
    assert names(made) == names(load_text(TEXT, nodes=CLASSES)) | {"typed"}
    assert links(made) > {"typed.text -> mind.text", "typed.reply -> mind.say", "hears.text -> mind.text"}


def test_text_alone_leaves_out_listening_nodes_and_keeps_other_playing_ones() -> None:
    made = graph(alone=True)
    assert names(made) == {"typed", "mind", "groups", "speaks", "same", "plays", "seen", "music"}
    assert "music.audio -> plays.audio" in links(made)


def test_silent_text_leaves_out_nodes_that_make_or_play_audio() -> None:
    made = graph(alone=True, silent=True)
    assert names(made) == {"typed", "mind", "seen"}


def test_hearing_generator_needs_no_voice_if_asked_by_text_alone() -> None:
    text = "nodes: {voice: {use: voice}, mind: {use: listens}, seen: {use: console}}\n"
    made = graph(text + "links: [voice -> mind -> seen]\n", alone=True)
    assert links(made) == {"typed.text -> mind.text", "mind.words -> seen.input"}


def test_nodes_that_are_left_out_need_not_be_available() -> None:
    text = TEXT.replace("{use: hears}", "{use: stt}")
    nodes = {"stt.missing": Missing, "stt.moonshine": Missing}
    wanted = TextInput("app_text", alone=True)
    made = load_text(text, nodes={**CLASSES, **nodes}, text_input=wanted)
    assert "stt" not in {choice.role for choice in made.roles.values()}
    with pytest.raises(GraphError, match="there is no model"):
        load_text(text, nodes={**CLASSES, **nodes}, text_input=TextInput("app_text"))


def test_graphs_own_text_node_is_used() -> None:
    own = TEXT.replace("  seen:", "  mine: {use: app_text}\n  seen:").replace(
        "links:", "links:\n  - mine.text -> mind.text"
    )
    made = graph(own, alone=True)
    assert "typed" not in made.nodes
    assert links(made) > {"mine.text -> mind.text"}


def test_property_of_the_text_node_is_set_by_its_name() -> None:
    wanted = TextInput("app_text")
    made = load_text(TEXT, nodes=CLASSES, text_input=wanted, overrides={"typed.interrupts": "false"})
    assert made.nodes["typed"].values == {"interrupts": False}


def test_graph_in_which_nothing_takes_text_is_refused_if_required_else_unchanged() -> None:
    text = "nodes: {voice: {use: voice}, plays: {use: plays}}\nlinks: [voice -> plays]\n"
    assert "no generator takes text; add a node with 'use: generator'" in refused(text)
    assert names(graph(text, required=False)) == {"voice", "plays"}


def test_several_generators_are_refused_instead_of_guessing_one() -> None:
    text = TEXT.replace("  seen:", "  other: {use: answers}\n  seen:") + "  - hears -> other\n"
    found = refused(text)
    assert "several generators take text: mind, other; link one" in found
    assert "'typed.text -> mind.text'" in found
    assert "typed" not in graph(text, required=False).nodes


def test_shipped_agent_takes_text_without_its_devices() -> None:
    from vflow import load
    from vflow.graph.shipped import find

    wanted = TextInput("app_text", alone=True, silent=True)
    made = load(find("voice_agent"), text_input=wanted, require_available=False)
    assert names(made) == {"generator.chat", "typed"}
    assert set(made.roles) == {"generator"}
    assert made.warnings == ()


def two_generators(*into: str) -> str:
    """Return TEXT with a second generator, and a text node that is linked to `into`."""
    links = "".join(f"\n  - mine.text -> {name}.text" for name in into)
    own = "  other: {use: answers}\n  mine: {use: app_text}\n  seen:"
    return TEXT.replace("  seen:", own).replace("links:", f"links:{links}\n  - hears -> other")


@pytest.mark.parametrize("wanted", [{}, {"alone": True}, {"alone": True, "silent": True}])
def test_graphs_own_text_node_chooses_among_several_generators(
    wanted: dict[str, bool],
) -> None:
    made = graph(two_generators("mind"), **wanted)
    assert "typed" not in names(made)
    assert links(made) >= {"mine.text -> mind.text", "mind.words -> seen.input"}
    assert ("other" in names(made)) is not bool(wanted)


def test_graphs_own_text_node_linked_to_two_generators_chooses_none() -> None:
    assert "several generators take text" in refused(two_generators("mind", "other"), alone=True)
