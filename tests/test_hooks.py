"""Hooks: a method that was meant as one, and is none, is found; any other method is left alone."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stand_ins import Pass, Speaker
from vflow import Audio, Bin, In, Node, Out, Sink
from vflow.hooks import OF_NODES, OF_SINKS, hooks_of, methods_of, problems


def said(cls: type[Any]) -> list[str]:
    return [f"{message}; {mend}" for _, message, mend in problems(cls)]


def nothing(*_: Any) -> None: ...


def passing(**methods: Callable[..., Any]) -> type[Node]:
    """A node that passes on what comes, and has these methods too."""
    return type("Passing", (Pass,), methods)


def test_the_table_has_every_method_that_an_author_may_define() -> None:
    public = {name for name, value in vars(Node).items() if callable(value) or isinstance(value, classmethod)}
    assert {name for name in public if not name.startswith("__")} <= OF_NODES.keys()
    assert {name for name, value in vars(Sink).items() if callable(value)} == OF_SINKS.keys()
    assert "process_text" in hooks_of(Pass)
    assert "drop" in hooks_of(Speaker)
    assert "drop" not in hooks_of(Pass)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("on_flsh", "'on_flush'"),
        ("on_flushed", "'on_flush'"),
        ("on_cancle", "'on_cancel'"),
        ("on_evnt", "'on_event'"),
        ("onEvent", "'on_event'"),
        ("on_timr", "'on_timer'"),
        ("opne", "'open'"),
        ("clsoe", "'close'"),
        ("warmup", "'warm_up'"),
        ("port_cap", "'port_caps'"),
        ("unavailabel", "'unavailable'"),
        ("process_txt", "'process_text'"),
        ("on_text", "process()"),
        ("on_start", "open()"),
        ("on_stop", "close()"),
        ("on_interruption", "on_cancel() of a node that generates, or on_flush()"),
        ("on_speech_start", "on_event(), which is given a SpeechStart"),
    ],
)
def test_a_misspelt_hook_is_named_with_the_one_that_was_meant(name: str, meant: str) -> None:
    (found,) = said(passing(**{name: nothing}))
    assert found.startswith(f"{name}() is never called; did you mean {meant}")


def test_a_method_for_an_input_that_is_not_there_is_never_called() -> None:
    (found,) = said(passing(process_reference=nothing))
    assert found == (
        "process_reference() is never called: there is no input 'reference'; "
        "declare 'reference = In(...)', or give it another name; inputs: text"
    )


def test_a_misspelt_method_of_a_sink_is_found_on_a_sink_alone() -> None:
    assert said(type("Loud", (Speaker,), {"leadns": nothing})) == [
        "leadns() is never called; did you mean 'lead_ns'?"
    ]
    assert said(passing(leadns=nothing)) == []


OWN = (
    "on_message", "on_click", "on_data", "flush", "cancel", "start", "stop", "reset", "opened", "closed",
    "processed", "process", "clone", "crop", "progress", "product", "placed", "available", "device", "drops",
    "advice", "lose", "warm", "ports", "_on_flsh", "_process_block",
)  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_method_of_the_authors_own_is_left_alone(name: str) -> None:
    assert said(passing(**{name: lambda self, packet: None})) == []


class Helped(Pass):
    """Calls and hands on what is named as a hook would be."""

    def open(self) -> None:
        self.callback = self.on_flushes

    def process(self, packet: Any) -> Any:
        return self.process_block(packet)

    def process_block(self, packet: Any) -> Any:
        return packet

    def on_flushes(self) -> None: ...


class Dispatches(Pass):
    """Looks its methods up by the name of what came."""

    def on_event(self, event: Any) -> Any:
        return getattr(self, f"on_{event.name}", nothing)(event)

    def on_speech_start(self, event: Any) -> None: ...


class Watches:
    """Class of a library, which calls these methods."""

    def on_any_event(self, event: object) -> None: ...


class Mixed(Watches, Pass):
    def on_any_event(self, event: object) -> None: ...


class Both(Pass):
    def on_event(self, event: Any) -> Any: ...

    def on_events(self, events: Any) -> Any: ...


def test_method_that_is_called_is_not_taken_for_a_misspelt_hook() -> None:
    for cls in (Helped, Dispatches, Mixed, Both):
        assert said(cls) == []
    assert "on_any_event" not in methods_of(Mixed)


def test_method_called_in_the_class_s_file_is_not_taken_for_a_misspelt_hook() -> None:
    class Button(Pass):
        def on_cancelled(self) -> None: ...

    assert said(Button) == []
    Button().on_cancelled()


def handles(name: str) -> type[Node]:
    return type("It", (Node,), {"audio": In(Audio()), "also": In(Audio()), name: nothing})


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ({"audio": In(Audio())}, "no process() for its input 'audio'; add 'def process(self, packet): ...'"),
        (
            {"audio": In(Audio()), "proces": nothing},
            "no process() for its input 'audio'; rename 'proces' to 'process'",
        ),
        (
            {"audio": In(Audio()), "on_packet": nothing},
            "no process() for its input 'audio'; rename 'on_packet' to 'process'",
        ),
        (
            {"audio": In(Audio()), "also": In(Audio()), "process_also": nothing},
            "no process_audio() for its input 'audio'; add 'def process_audio(self, packet): ...'",
        ),
        ({"out": Out(Audio())}, "no inputs, and no produce(); add 'def produce(self): ...'"),
        (
            {"out": Out(Audio()), "prodce": nothing},
            "no inputs, and no produce(); rename 'prodce' to 'produce'",
        ),
    ],
)
def test_required_hook_must_be_defined(body: dict[str, Any], finding: str) -> None:
    assert said(type("It", (Node,), body)) == [finding]


def test_a_node_that_looks_its_methods_up_itself_is_taken_at_its_word() -> None:
    assert said(type("It", (Node,), {"audio": In(Audio()), "__getattr__": nothing})) == []


def test_sink_without_drop_or_lead_is_refused() -> None:
    found = said(type("Mute", (Sink,), {"audio": In(Audio()), "process": nothing, "dorp": nothing}))
    assert found == [
        "a Sink without drop(), which forgets what is not played yet; rename 'dorp' to 'drop'",
        "a Sink without lead_ns(), which says how much it holds; add 'def lead_ns(self): ...'",
    ]


def test_node_with_sink_methods_must_be_a_sink() -> None:
    def drop(self: Any, epoch: int) -> Any: ...

    assert said(passing(drop=drop, lead_ns=lambda self: 0)) == [
        "drop() is never called: it is no Sink; write 'class Passing(Sink)'"
    ]


@pytest.mark.parametrize(
    ("name", "method", "finding"),
    [
        ("process", lambda packet: None, "process() is called as process(packet): too many positional"),
        ("on_timer", lambda self, now: None, "on_timer() is called as on_timer(): missing a required"),
        ("on_flush", lambda self: None, "on_flush() is called as on_flush(flush): too many"),
        ("open", lambda self, device: None, "open() is called as open(): missing a required"),
        ("unavailable", lambda self: "", "unavailable() is called on the class; write '@classmethod'"),
    ],
)
def test_hook_accepts_its_arguments(name: str, method: Any, finding: str) -> None:
    (found,) = said(passing(**{name: method}))
    assert found.startswith(finding)


def wrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, packet: Any) -> Any:
        return method(self, packet, 1)

    return call


class Lenient(Node):
    audio = In(Audio())

    @wrapped
    def process(self, packet: Any, extra: int) -> None: ...

    def on_flush(self, *args: Any) -> None: ...

    def open(self, again: bool = False) -> None: ...

    @staticmethod
    def on_cancel(flush: Any) -> None: ...

    @staticmethod
    def unavailable() -> str:  # type: ignore[override]  # it is called on the class
        return ""


class Whole(Node):
    audio = In(Audio())
    process = functools.partialmethod(nothing, 1)


def test_a_hook_may_take_more_and_may_be_wrapped() -> None:
    assert said(Lenient) == []
    assert said(Whole) == []


class Awaits(Pass):
    async def open(self) -> None:  # type: ignore[override]  # what this test is about
        await asyncio.sleep(0)


class Yields(Pass):
    def on_flush(self, flush: Any) -> Iterator[None]:  # type: ignore[override]  # what this test is about
        yield None


class Streams(Pass):
    async def process(self, packet: Any) -> Any:
        yield packet

    async def on_timer(self) -> None: ...

    def on_event(self, event: Any) -> Iterator[Any]:
        yield event


def test_only_what_the_runtime_awaits_or_iterates_over_may_be_a_coroutine_or_a_generator() -> None:
    assert said(Awaits)[0].startswith("open() is a coroutine, and nothing awaits it; write 'def open(self)'")
    assert said(Yields) == ["on_flush() is a generator, and nothing iterates over it; remove the 'yield'"]
    assert said(Streams) == []


def test_a_hook_that_the_ports_leave_no_occasion_for_is_never_called() -> None:
    assert said(passing(produce=lambda self: iter(()))) == [
        "produce() is never called: it has inputs (text); "
        "emit from process() or on_timer(), or remove the inputs"
    ]
    source = {"out": Out(Audio()), "produce": lambda self: iter(()), "on_timer": lambda self: None}
    assert said(type("It", (Node,), source)) == [
        "on_timer() is never called: it has no inputs; wait in produce(), by self.ctx.wait_until(time_ns)"
    ]


class Hides(Pass):
    def open(self) -> None:
        self.close = False  # type: ignore[assignment, method-assign]  # what this test is about
        self.device = nothing
        self.device.open = True  # type: ignore[attr-defined]  # another's


def test_an_attribute_of_the_instance_hides_no_hook() -> None:
    assert said(Hides) == [
        "open() sets self.close, which hides the method of that name; "
        "name it otherwise, such as 'self._close'"
    ]


def test_a_bin_has_one_hook() -> None:
    class Boxed(Bin):
        graph = "nodes: {}"

        @classmethod
        def unavailble(cls) -> str:
            return ""

        @classmethod
        def on_flsh(cls) -> None: ...

    assert said(Boxed) == ["unavailble() is never called; did you mean 'unavailable'?"]
