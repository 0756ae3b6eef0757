"""Tracebacks of nodes' own code: the line that raised, and the whole as text."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Pass, Speaker, Words, pipeline
from vflow import Flush, NodeError, Played, prop
from vflow.runtime.pipeline import Pipeline
from vflow.tracebacks import FIRST, LAST, files_of, import_place, place_in, whole

HERE = Path(__file__).name


def fail(table: dict[str, int]) -> int:
    return table["missing"]


def raised(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("it did not raise")


def line(function: Callable[..., Any], after: int) -> int:
    return inspect.unwrap(function).__code__.co_firstlineno + after


class Helps(Pass):
    def process(self, packet: Any) -> Any:
        return self.look_up({})

    def look_up(self, table: dict[str, int]) -> int:
        return table["missing"]


class Derived(Helps):
    """Its code is in its base."""


class Reads(Pass):
    def process(self, packet: Any) -> Any:
        return Path("/no/such/file").read_text(encoding="utf-8")


def test_the_place_is_the_innermost_line_in_a_file_of_the_class() -> None:
    for cls in (Helps, Derived):
        error = raised(lambda cls=cls: cls().process(None))
        assert place_in(cls, error) == f"{HERE}:{line(Helps.look_up, 1)} in look_up"
    error = raised(lambda: Reads().process(None))  # deep in pathlib
    assert place_in(Reads, error) == f"{HERE}:{line(Reads.process, 1)} in process"


def test_there_is_no_place_where_the_code_of_the_class_was_not_reached() -> None:
    error = raised(lambda: int("x"))
    assert place_in(Words, error) == ""
    assert place_in(Words, ValueError("never raised")) == ""


def wrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any) -> Any:
        return method(*args)

    return call


def test_the_files_of_a_class_are_those_of_its_bases_and_of_what_is_typed_in_a_console() -> None:
    names: dict[str, Any] = {"__name__": "console", "Pass": Pass, "wrapped": wrapped}
    code = "class Typed(Pass):\n    @wrapped\n    def process(self, packet):\n        return 1 / 0\n"
    exec(compile(code, "<console-3>", "exec"), names)
    typed = names["Typed"]
    assert {Path(file).name for file in files_of(typed)} == {"<console-3>", "stand_ins.py"}
    assert place_in(typed, raised(lambda: typed().process(None))) == "<console-3>:4 in process"


def test_a_module_that_raises_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raising_nodes.py").write_text("import json\n\nNAME = json.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    error = raised(lambda: importlib.import_module("raising_nodes"))
    assert import_place("raising_nodes", error) == "raising_nodes.py:3"
    error = raised(lambda: importlib.import_module("no_such_module"))
    assert import_place("no_such_module", error) == ""


def test_the_whole_has_causes_and_lines() -> None:
    def work() -> None:
        try:
            fail({})
        except KeyError as error:
            raise ValueError("no luck") from error

    text = whole(raised(work))
    assert text.startswith("Traceback (most recent call last):")
    assert "KeyError: 'missing'" in text
    assert "direct cause of the following exception" in text
    assert text.endswith("ValueError: no luck")


def test_the_middle_of_a_long_traceback_is_left_out() -> None:
    def even(n: int) -> int:
        return odd(n + 1)

    def odd(n: int) -> int:
        return even(n + 1)

    text = whole(raised(lambda: even(0)))
    assert len(text) < FIRST + LAST + 200
    assert "lines are left out ..." in text
    assert text.endswith("RecursionError: maximum recursion depth exceeded")
    assert whole(ValueError("x" * 100_000)).endswith("xxx...")


def test_an_exception_that_cannot_be_printed_is_named() -> None:
    class Odd(Exception):
        __notes__ = property(lambda self: 1 / 0)  # type: ignore[assignment]  # what this test is about

    assert "Odd" in whole(Odd())


TEXT = """
nodes:
  words: {use: t.words, count: 3, every: 1ms}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> node -> sink]
"""


class AtOpen(Pass):
    def open(self) -> None:
        fail({})


class AtWarmUp(Pass):
    def warm_up(self) -> None:
        fail({})


class Exits(Pass):
    def open(self) -> None:
        sys.exit(3)


class AtEvent(Pass):
    def on_event(self, event: Any) -> None:
        fail({})


class AtTimer(Pass):
    def process(self, packet: Any) -> None:
        self.ctx.wake_at(0)

    def on_timer(self) -> None:
        fail({})


class Yields(Pass):
    def process(self, packet: Any) -> Iterator[Any]:
        yield packet
        fail({})


class Awaits(Pass):
    async def process(self, packet: Any) -> Any:
        await asyncio.sleep(0)
        fail({})


class Streams(Pass):
    async def process(self, packet: Any) -> Any:
        yield packet
        await asyncio.sleep(0)
        fail({})


class Produces(Words):
    def produce(self) -> Iterator[Any]:
        yield from super().produce()
        fail({})


@pytest.mark.parametrize(
    ("cls", "method"),
    [
        (AtOpen, "open"), (AtWarmUp, "warm_up"), (Helps, "look_up"), (AtEvent, "on_event"),
        (AtTimer, "on_timer"), (Yields, "process"), (Awaits, "process"), (Streams, "process"),
        (Produces, "produce"),
    ],
)  # fmt: skip
def test_whatever_method_raises_the_error_has_its_line_and_the_whole_traceback(
    cls: type[Any], method: str
) -> None:
    place = "words" if cls is Produces else "node"
    error = failure(pipeline(TEXT, **{"node": Pass, place: cls}))
    name = "fail" if cls is not Helps else "look_up"
    assert error.message.startswith(f"{HERE}:")
    assert f" in {name}: KeyError: 'missing'" in error.message
    assert f", in {method}" in error.traceback
    assert 'table["missing"]' in error.traceback


def failure(running: Pipeline) -> NodeError:
    with pytest.raises(NodeError) as info:
        running.start().wait(PATIENCE_S)
    running.stop()
    return info.value


def test_a_node_that_leaves_while_it_opens_is_told_with_its_line() -> None:
    error = failure(pipeline(TEXT, node=Exits))
    assert error.message == f"{HERE}:{line(Exits.open, 1)} in open: RuntimeError: SystemExit: 3"


class Keeps(Pass):
    heavy = True

    def on_flush(self, flush: Flush) -> None:
        fail({})


class Holds(Speaker):
    def drop(self, epoch: int) -> tuple[Played, ...]:
        fail({})
        return ()


@pytest.mark.parametrize(
    ("name", "classes", "method"),
    [("node", {"node": Keeps}, "on_flush"), ("sink", {"collect": Holds}, "drop")],
)
def test_an_error_in_a_flush_has_its_line(name: str, classes: dict[str, Any], method: str) -> None:
    text = TEXT.replace("count: 3", "count: 100000")
    running = pipeline(text, **{"node": Pass, **classes}).start()
    running.flush(origins=["words"])
    with pytest.raises(NodeError) as info:
        running.wait(PATIENCE_S)
    assert info.value.node == name
    assert info.value.message == f"{HERE}:{line(fail, 1)} in fail: KeyError: 'missing'"
    assert f", in {method}" in info.value.traceback


def test_a_close_that_raises_is_a_warning_with_its_line_and_traceback() -> None:
    class Stays(Pass):
        def close(self) -> None:
            fail({})

    running = pipeline(TEXT, node=Stays)
    with running:
        assert running.wait(PATIENCE_S)
    (found,) = [message for message in running.bus if message.kind == "warning"]
    assert found.text == f"close: {HERE}:{line(fail, 1)} in fail: KeyError: 'missing'"
    assert ", in close" in found.data["error"].traceback


def test_traceback_hides_values_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asks(Pass):
        key: str = prop("")

        def process(self, packet: Any) -> Any:
            try:
                return {}[self.key]
            except KeyError as error:
                raise ConnectionError(f"401 for https://me:{self.key}@host") from error

    monkeypatch.setenv("KEY", "hunter2-s3cr3t")
    error = failure(pipeline(TEXT.replace("t.node", "t.node, key: '${KEY}'"), node=Asks))
    assert "https://me:${KEY}@host" in error.message
    assert "s3cr3t" not in error.traceback
    assert 'raise ConnectionError(f"401' in error.traceback


def test_refused_value_of_a_node_has_no_traceback() -> None:
    class Sevens(Pass):
        def process(self, packet: Any) -> Any:
            return 7

    error = failure(pipeline(TEXT, node=Sevens))
    assert (error.message, error.traceback) == ("emitted int, not a packet or an event", "")
