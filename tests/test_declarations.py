"""Declarations: a node class that cannot work is refused by name, with its place in the file and a mend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.stand_ins import Pass, Speaker
from vflow import (
    MS,
    Audio,
    Bin,
    Duration,
    Gap,
    GraphError,
    Harness,
    In,
    Node,
    Out,
    SpeechStart,
    Text,
    Unavailable,
    load,
    prop,
)
from vflow.declarations import FILE_KEYS, findings, place_of, require_sound
from vflow.errors import DeclarationError, Place
from vflow.graph.document import NODE_KEYS
from vflow.graph.registry import Registry
from vflow.graph.resolver import Resolver

HERE = Path(__file__).name


def said(cls: type[Any]) -> list[str]:
    return [f"{found.message.partition(': ')[2]}; {found.mend}" for found in findings(cls)]


def passing(**body: Any) -> type[Node]:
    """A node that passes on what comes, with this in its class body too."""
    return type("Passing", (Pass,), body)


@pytest.mark.parametrize("name", Registry().names())
def test_every_node_that_comes_with_vflow_is_sound(name: str) -> None:
    require_sound(Registry().load(name))


class Misspelt(Pass):
    """Forgets a reply, as its author thinks."""

    factor: float = prop(1.0)

    def on_flsh(self, flush: object) -> None: ...


GRAPH = "nodes:\n  words: {use: words}\n  it: {use: it}\nlinks: [words -> it]\n"


def test_a_graph_that_uses_such_a_class_is_refused_at_its_line_with_the_place_in_the_python_file() -> None:
    with pytest.raises(GraphError) as raised:
        load(GRAPH.replace("words}", "text_source, text: a}"), nodes={"it": Misspelt})
    (found,) = raised.value.diagnostics
    line = Misspelt.on_flsh.__code__.co_firstlineno
    assert found.message == f"it: {HERE}:{line}: Misspelt: on_flsh() is never called"
    assert (found.mend, found.place) == ("did you mean 'on_flush'?", Place("<text>", 3, 13))


def test_the_harness_refuses_what_a_graph_refuses() -> None:
    with pytest.raises(DeclarationError, match=r"on_flsh\(\) is never called; did you mean 'on_flush'\?"):
        Harness(Misspelt())


def test_a_candidate_that_cannot_work_is_passed_over_with_the_reason() -> None:
    class Hears(Misspelt):
        rank = 1000

    registry = Registry({"stt.hears": Hears})
    found = Resolver(registry).candidates("stt")
    assert "on_flsh() is never called" in next(c.problem for c in found if c.name == "stt.hears")
    with pytest.raises(Unavailable, match="on_flsh"):
        registry.load("stt.hears")


@pytest.mark.parametrize(
    "name", ["open", "close", "process", "produce", "on_flush", "ctx", "live", "rank", "port_caps", "devices"]
)
@pytest.mark.parametrize("what", ["port", "property"])
def test_a_port_and_a_property_have_no_name_of_nodes_own(name: str, what: str) -> None:
    found = said(passing(**{name: In(Text("word"), optional=True) if what == "port" else prop(1)}))
    assert f"the {what} {name!r} has the name of an attribute of Node; give it another name" in found


def test_names_of_a_sinks_attributes_are_taken_on_a_sink_alone() -> None:
    assert said(passing(drop=prop(0.1), duck=prop(0.5), name=prop("a"))) == []
    assert said(type("Loud", (Speaker,), {"duck": prop(1.0)})) == [
        "the property 'duck' has the name of an attribute of Sink; give it another name"
    ]


def test_a_property_has_no_name_of_a_key_of_a_node_in_a_file() -> None:
    assert set(NODE_KEYS) - set(dir(Node)) == set(FILE_KEYS)
    (found,) = said(passing(use=prop(1)))
    assert found.startswith("the property 'use' has the name of a key that means something else in a graph")


SHARED = In(Text("word"), optional=True)


class Annotated(Node):
    audio: In

    def process(self, packet: Any) -> None: ...


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ({"also": In}, "also is the class In, and declares no port; write 'also = In(Audio())'"),
        ({"also": In(Audio)}, "also is given the class Audio, which is no caps; write 'also = In(Audio())'"),  # type: ignore[arg-type]
        (
            {"also": Out("audio")},
            "also is given 'audio', which is no caps; write 'also = Out(Audio(...))', or",
        ),  # type: ignore[arg-type]
        (
            {"one": SHARED, "other": SHARED},
            "the ports 'one' and 'other' are one object; write 'one = In(...)'",
        ),
        ({"level": prop}, "level is the function prop, and declares nothing; write 'level: ... = prop(...)'"),
    ],
)
def test_a_port_is_declared_in_full(body: dict[str, Any], finding: str) -> None:
    (found,) = said(passing(**body))
    assert found.startswith(finding)


def test_an_annotation_is_no_port_but_may_name_one_that_is_there() -> None:
    assert said(Annotated)[0] == "audio is annotated, and declares no port; write 'audio = In(Audio())'"

    class Picks(Pass):
        chosen: Out

    assert said(Picks) == []


def test_a_node_without_ports_is_refused_unless_it_produces() -> None:
    class Bare(Node):
        def open(self) -> None:
            self.audio = In(Audio())

    (found,) = said(Bare)
    assert found.startswith("no ports; declare them in the class")
    assert said(type("Acts", (Node,), {"produce": lambda self: iter(())})) == []


class Values(Pass):
    level: float = prop(2.0, le=1)


class Mistyped(Pass):
    rate: int = prop("16k")


class Empty(Pass):
    rate: int = prop(5, ge=10, le=1)


class Late(Pass):
    wait: Duration = prop(5 * MS, ge="10ms")


class Well(Pass):
    every: Duration = prop(10 * MS, ge="1ms")
    wait: Duration | None = prop(None)
    gain: float = prop(1)
    wave: Literal["sine", "square"] = prop("sine")
    gains: dict[str, float] = prop({})
    device: int | str | None = prop(None)
    title: str = prop()
    place: Path = prop(Path())
    name: str = prop("a")
    bare = prop(3)


@pytest.mark.parametrize(
    ("cls", "finding"),
    [
        (Values, "the default of the property 'level' is none of its values: level is 2.0, out of range"),
        (Mistyped, "the default of the property 'rate' is none of its values: rate takes int, not '16k'"),
        (Empty, "the property 'rate' takes no value: its ge is above its le"),
        (Late, "the default of the property 'wait' is none of its values: wait is '5000.0us', out of range"),
    ],
)
def test_a_default_is_one_of_the_values_that_its_property_takes(cls: type[Node], finding: str) -> None:
    (found,) = said(cls)
    assert found.startswith(finding)


def test_defaults_of_every_kind_are_accepted() -> None:
    assert said(Well) == []


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ({"heavy": "yes"}, "heavy is 'yes'; write 'heavy = True', or leave it out"),
        ({"rank": "high"}, "rank is 'high'; write a whole number"),
        ({"absent": "loud"}, "absent is 'loud'; write a mapping of names to reasons"),
        ({"order": "time"}, "order is 'time'; write 'arrival' or 'pts'"),
        ({"swallows": ("gap",)}, "swallows has 'gap', which is no event; name classes, as in (Gap,)"),
        ({"swallow": (Gap, SpeechStart)}, "swallow means nothing to the runtime; did you mean 'swallows'?"),
        ({"hevy": True}, "hevy means nothing to the runtime; did you mean 'heavy'?"),
        ({"generate": True}, "generate means nothing to the runtime; did you mean 'generates'?"),
        ({"live": True}, "live, and it has inputs: only a source is paced by the world; remove 'live'"),
        (
            {"speculates": True, "effect": True},
            "speculates, and it has an effect, which cannot be taken back; "
            "remove 'speculates', or make the effect a node of its own",
        ),
        (
            {"after_grace": True},
            "waits for the end of a turn's grace, and has no effect; "
            "add 'effect = True', or remove 'after_grace'",
        ),
    ],
)
def test_a_flag_is_one_of_nodes_and_can_be_true(body: dict[str, Any], finding: str) -> None:
    assert said(passing(**body)) == [finding]


def test_a_flag_needs_the_ports_that_it_speaks_of() -> None:
    takes = {"audio": In(Audio()), "process": lambda self, packet: None}
    assert said(type("It", (Node,), {**takes, "generates": True})) == [
        "generates, and it has no outputs; declare one, or remove 'generates'"
    ]
    gives = {"out": Out(Audio()), "produce": lambda self: iter(())}
    assert said(type("It", (Node,), {**gives, "live": True, "generates": True})) == []
    assert said(type("It", (Node,), {**gives, "speculates": True})) == [
        "speculates, and it has no input that says a pause; remove 'speculates'"
    ]


def test_constants_of_an_authors_own_are_left_alone() -> None:
    class Own(Pass):
        lively = True
        generate = True
        events = (Gap,)

        def process(self, packet: Any) -> Any:
            return packet if self.generate else None

    assert said(Own) == []


class NoValues(Pass):
    factor: float = prop(1.0)

    def __init__(self) -> None:
        self.count = 0


class Needs(Pass):
    def __init__(self, device: str) -> None:
        self.device = device


class Unset(Pass):
    factor: float = prop(1.0)

    def __init__(self, **values: Any) -> None:
        self.count = 0


class Passes(Pass):
    factor: float = prop(1.0)

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.count = 0


class Plain(Pass):
    def __init__(self) -> None:
        self.count = 0


class Injects(Pass):
    factor: float = prop(1.0)

    def __init__(self, client: object = None, **values: Any) -> None:
        super().__init__(**values)
        self.client = client


class Argues(Pass):
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor


@dataclass
class Generated(Pass):
    factor: float = prop(1.0)


@pytest.mark.parametrize(
    ("cls", "finding"),
    [
        (
            NoValues,
            "__init__() is called as __init__(factor=...): got an unexpected keyword argument 'factor'",
        ),
        (Needs, "__init__() is called as __init__(): missing a required argument: 'device'"),
        (
            Argues,
            "no graph can give __init__() its 'factor': it gives properties alone; declare it: 'factor:",
        ),
        (Generated, "__init__() does not call that of Node: no property is set"),
        (Unset, "__init__() does not call that of Node: no property is set; set up in open(), or write"),
    ],
)
def test_a_constructor_takes_the_properties_and_sets_them(cls: type[Node], finding: str) -> None:
    (found,) = said(cls)
    assert found.startswith(finding)


def test_a_constructor_that_does_so_is_accepted() -> None:
    assert said(Passes) == []
    assert said(Plain) == []
    assert said(Injects) == []


def test_a_bin_declares_in_its_text() -> None:
    class Boxed(Bin):
        graph = "nodes: {}"
        audio = In(Audio())
        gain: float = prop(1.0)

        def process(self, packet: Any) -> None: ...

    assert said(Boxed) == [
        "a Bin, and nobody looks at its port 'audio'; declare it in the text 'graph', under 'ports:'",
        "a Bin, and nobody looks at its property 'gain'; declare it in the text 'graph', under 'params:'",
        "a Bin, and nobody calls its process(); derive it from Node, or do this in a node of its graph",
    ]


def test_the_place_is_the_line_of_the_attribute_else_of_the_class() -> None:
    first = place_of(Values).line
    assert place_of(Values) == Place(HERE, first)
    assert place_of(Values, "level") == Place(HERE, first + 1)
    assert place_of(Generated, "__init__") == place_of(Generated)
    assert place_of(Misspelt, "on_flsh").line == Misspelt.on_flsh.__code__.co_firstlineno
    made: dict[str, Any] = {}
    exec("from vflow import Node\nclass Typed(Node): pass\n", {"__name__": "typed"}, made)
    assert place_of(made["Typed"]) == Place("typed.Typed")
