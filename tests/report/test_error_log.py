"""The errors of nodes, as the report has them."""

from __future__ import annotations

from tests.stand_ins import Pass, run
from vflow import MS, Message, NodeError, TextPacket
from vflow.report.error_log import KEPT_ERRORS, ErrorLog
from vflow.report.turn_log import TurnLog


def told(text: str, at_ns: int = 0, node: str = "node") -> Message:
    error = NodeError(node, text)
    error.__cause__ = KeyError("missing")
    return Message("warning", node, at_ns, f"skipped: {text}", {"error": error})


def test_an_error_is_kept_once_with_its_first_time_and_how_often_it_came() -> None:
    log = ErrorLog(str)
    for at_ms in (3, 5, 9):
        log.take(told("a.py:3 in process: KeyError: 'missing'", at_ms * MS))
    log.take(told("other"))
    first, second = log.as_list()
    assert (first["node"], first["at_ms"], first["times"]) == ("node", 3, 3)
    assert first["message"] == "a.py:3 in process: KeyError: 'missing'"
    assert first["traceback"].endswith("KeyError: 'missing'")
    assert second["times"] == 1


def test_messages_without_an_error_of_a_node_are_ignored() -> None:
    log = ErrorLog(str)
    log.take(Message("warning", "node", text="too slow"))
    log.take(Message("warning", "bus", text="a listener failed", data={"error": ValueError("x")}))
    assert log.as_list() == []


def test_kept_errors_are_bounded() -> None:
    log = ErrorLog(str)
    for n in range(2 * KEPT_ERRORS):
        log.take(told(f"error {n}"))
    assert len(log.as_list()) == KEPT_ERRORS


def test_values_from_the_environment_are_not_kept() -> None:
    log = ErrorLog(lambda text: text.replace("missing", "${KEY}"))
    log.take(told("no missing"))
    (found,) = log.as_list()
    assert found["message"] == "no ${KEY}"
    assert "missing" not in found["traceback"]


def test_the_report_has_the_traceback_of_a_node_that_is_skipped() -> None:
    class Odd(Pass):
        def process(self, packet: TextPacket) -> TextPacket:
            if packet.index % 2:
                raise ValueError("odd")
            return packet

    text = (
        "nodes:\n  words: {use: t.words}\n  node: {use: t.odd, on_error: skip}\n  sink: {use: t.collect}\n"
        "links: [words -> node -> sink]\n"
    )
    running = run(text, odd=Odd)
    log = TurnLog(running.graph)
    for message in running.bus:
        log.listen(message)
    (found,) = log.report(running.stats())["errors"]
    assert (found["node"], found["times"]) == ("node", 5)
    assert 'raise ValueError("odd")' in found["traceback"]
