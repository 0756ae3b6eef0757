"""Spans as a collector gets them: a real receiver, with OpenTelemetry's own protobufs."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable

import pytest

from tests.otlp_receiver import Receiver, receiving
from tests.stand_ins import PATIENCE_S
from vflow import __version__
from vflow.errors import VflowError
from vflow.otel.otlp import OtlpSender
from vflow.otel.turn_spans import TurnSpan
from vflow.otel.wanted import wanted

SPANS = [
    TurnSpan(
        "invoke_agent a", 0, 900, {"vflow.turn.number": 1, "vflow.turn.e2e_latency": 0.5}, error="_OTHER"
    ),
    TurnSpan("speaking", 300, 900, {"vflow.stage.cut": True}),
    TurnSpan("chat m", 100, 200, {"gen_ai.response.finish_reasons": ["stop"]}, remote=True),
]
EPOCH_NS = 1_700_000_000_000_000_000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")


def sender(url: str, warned: Callable[[str], None]) -> OtlpSender:
    asked = wanted(url, {})
    assert asked is not None
    return OtlpSender(asked, warned)


def sent(receiver: Receiver) -> list[str]:
    """Send a turn's spans; returns the warnings."""
    warnings: list[str] = []
    sending = sender(receiver.url, warnings.append)
    sending.send(SPANS, EPOCH_NS)
    sending.close(PATIENCE_S)
    return warnings


def test_collector_gets_a_turn_with_its_children_at_their_times() -> None:
    with receiving() as receiver:
        assert sent(receiver) == []
        spans = {span.name: span for span in receiver.wait_for(3)}
    turn, speaking, chat = spans["invoke_agent a"], spans["speaking"], spans["chat m"]
    assert turn.parent == b""
    assert speaking.parent == chat.parent == turn.id
    assert {span.trace for span in spans.values()} == {turn.trace}
    assert [(s.start_ns - EPOCH_NS, s.end_ns - EPOCH_NS) for s in (turn, speaking, chat)] == [
        (0, 900), (300, 900), (100, 200),
    ]  # fmt: skip
    assert (turn.kind, chat.kind) == (1, 3)  # INTERNAL, CLIENT
    assert (turn.status, chat.status) == (2, 0)  # ERROR, UNSET
    assert turn.attributes == {
        "vflow.turn.number": 1, "vflow.turn.e2e_latency": 0.5, "error.type": "_OTHER",
    }  # fmt: skip
    assert chat.attributes == {"gen_ai.response.finish_reasons": ["stop"]}
    assert receiver.paths == ["/v1/traces"]


def test_service_is_vflow_unless_the_environment_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        sent(receiver)
        assert receiver.wait_for(3)[0].resource["service.name"] == "vflow"
        assert receiver.spans[0].resource["service.version"] == __version__
        monkeypatch.setenv("OTEL_SERVICE_NAME", "front desk")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        sent(receiver)
        about = receiver.wait_for(6)[-1].resource
        assert (about["service.name"], about["deployment.environment.name"]) == ("front desk", "test")
        monkeypatch.delenv("OTEL_SERVICE_NAME")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=b, service.name = desk")
        sent(receiver)
        assert receiver.wait_for(9)[-1].resource["service.name"] == "desk"


def test_headers_compression_and_sampling_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=mine")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    with receiving() as receiver:
        sent(receiver)
        receiver.wait_for(3)
        assert receiver.headers[0]["x-key"] == "mine"
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        assert sent(receiver) == []
        assert len(receiver.spans) == 3


@pytest.mark.parametrize(("status", "told"), [(500, "HTTP 500"), (401, "HTTP 401"), (302, "HTTP 302")])
def test_server_that_refuses_is_told_of_once_and_again_when_it_takes_spans(status: int, told: str) -> None:
    warnings: list[str] = []
    with receiving() as receiver:
        receiver.status = status
        sending = sender(receiver.url, warnings.append)
        for count in (1, 2):
            sending.send(SPANS, EPOCH_NS)
            until(lambda count=count: len(receiver.paths) >= count)  # type: ignore[misc]
        receiver.status = 200
        until(lambda: len(warnings) == 1)
        sending.send(SPANS, EPOCH_NS)
        receiver.wait_for(3)
        sending.close(PATIENCE_S)
        assert set(receiver.paths) == {"/v1/traces"}  # it follows nobody elsewhere
    place = f"{receiver.url}/v1/traces"
    assert warnings[0] == f"warning: spans cannot be sent to {place}, and are lost: {told}"
    assert warnings[1:] == [f"spans are sent to {place} again; 6 were lost"]


def test_address_at_which_nobody_answers_is_told_of_and_not_waited_for() -> None:
    warnings: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        sending = sender(f"http://me:secret@{place}", warnings.append)
        sending.send(SPANS, EPOCH_NS)
        sending.close(10 * PATIENCE_S)  # longer than a test may take
    assert warnings == [f"warning: 3 spans were not sent to http://{place}/v1/traces: Connection refused"]


def test_server_that_comes_back_gets_the_last_spans() -> None:
    warnings: list[str] = []
    with receiving() as receiver:
        receiver.status = 500
        sending = sender(receiver.url, warnings.append)
        sending.send(SPANS, EPOCH_NS)
        until(lambda: len(warnings) == 1)
        receiver.status = 200
        sending.send(SPANS, EPOCH_NS)
        sending.close(PATIENCE_S)
        assert len(receiver.spans) == 3
    assert warnings[1:] == [f"spans are sent to {receiver.url}/v1/traces again; 3 were lost"]


def test_odd_values_cost_no_batch() -> None:
    odd = {
        "gen_ai.input.messages": "half \ud800",
        "vflow.turn.words": 1 << 70,
        "gen_ai.response.finish_reasons": ["\udfff"],
    }
    with receiving() as receiver:
        sending = sender(receiver.url, lambda line: None)
        sending.send([TurnSpan("invoke_agent \ud800", -(1 << 62), -5, odd)], 0)
        sending.close(PATIENCE_S)
        (span,) = receiver.wait_for(1)
    assert span.name == "invoke_agent ?"
    assert span.attributes == {
        "gen_ai.input.messages": "half ?",
        "vflow.turn.words": (1 << 63) - 1,
        "gen_ai.response.finish_reasons": ["?"],
    }
    assert (span.start_ns, span.end_ns) == (0, 0)


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/gone/ca.pem")
    warnings: list[str] = []
    sending = sender("https://127.0.0.1:9", warnings.append)
    sending.send(SPANS, EPOCH_NS)
    sending.close(PATIENCE_S)
    assert "/gone/ca.pem" in warnings[0]


def test_header_that_cannot_be_read_is_told_of_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "hush hush")
    with receiving() as receiver:
        (warning,) = sent(receiver)
    assert "OTEL_EXPORTER_OTLP_HEADERS" in warning
    assert "hush" not in warning


def test_server_that_hangs_is_left_at_the_deadline() -> None:
    warnings: list[str] = []
    with receiving() as receiver:
        receiver.hangs = True
        sending = sender(receiver.url, warnings.append)
        sending.send(SPANS, EPOCH_NS)
        assert receiver.asked.wait(PATIENCE_S)
        sending.send(SPANS, EPOCH_NS)
        sending.close(0.1)
        place = f"{receiver.url}/v1/traces"
        assert warnings == [f"warning: 6 spans were not sent to {place}: no answer in time"]
        receiver.let_go.set()
        receiver.wait_for(3)  # its thread ends in order


def test_queue_of_a_server_that_hangs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "600")
    with receiving() as receiver:
        receiver.hangs = True
        warnings: list[str] = []
        sending = sender(receiver.url, warnings.append)
        sending.send(SPANS, EPOCH_NS)
        assert receiver.asked.wait(PATIENCE_S)
        for _ in range(1_000):
            sending.send(SPANS, EPOCH_NS)
        receiver.hangs = False
        receiver.let_go.set()
        sending.close(PATIENCE_S)
        assert len(receiver.spans) == 603
        assert warnings == [
            f"warning: 2,400 spans were not sent to {receiver.url}/v1/traces: too many waited"
        ]


def test_variables_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    with pytest.raises(VflowError, match="a variable of OpenTelemetry"):
        sender("http://127.0.0.1:9", lambda line: None)
    assert logging.getLogger("opentelemetry").propagate


def test_variables_that_are_left_out_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    with receiving() as receiver:
        (warning,) = sent(receiver)
    assert warning.startswith("warning: spans: Invalid timeout value 'soon'")


def until(wanted: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    until_s = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < until_s
        time.sleep(0.01)
