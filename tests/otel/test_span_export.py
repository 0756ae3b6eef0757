"""The thread that makes spans: nobody waits for it, and what waits is bounded."""

from __future__ import annotations

import sys
import threading

import pytest

from tests.otlp_receiver import receiving
from tests.stand_ins import PATIENCE_S
from vflow.errors import Unavailable, VflowError
from vflow.graph.loader import load_text
from vflow.otel import span_export
from vflow.otel.span_export import SpanExport, begin, sending
from vflow.otel.turn_spans import TurnSpan
from vflow.report.turn import TurnRecord
from vflow.runtime.pipeline import Pipeline

GRAPH = "nodes: {mic: {use: test_tone, duration: 20ms}, end: {use: 'null'}}\nlinks: [mic -> end]\n"


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(load_text(GRAPH, file="tone.yaml"))


def ended(number: int = 1) -> TurnRecord:
    return TurnRecord(number, at_ns={"decided": 5, "transcript": 10, "reply_end": 20}, words=["Yes."])


class Sent:
    """Takes spans; `gate` holds the first back."""

    def __init__(self) -> None:
        self.turns: list[list[TurnSpan]] = []
        self.gate, self.begun = threading.Event(), threading.Event()
        self.closed: list[float] = []

    def send(self, spans: list[TurnSpan], epoch_ns: int) -> None:
        self.begun.set()
        assert self.gate.wait(PATIENCE_S)
        self.turns.append(spans)

    def close(self, within_s: float) -> None:
        self.closed.append(within_s)


def test_turns_are_made_into_spans_in_a_thread_of_its_own(pipeline: Pipeline) -> None:
    sent, warnings = Sent(), list[str]()
    sent.gate.set()
    export = SpanExport(sent, False, warnings.append)
    for number in range(3):
        export.add("abc", pipeline, ended(number))
    export.close(PATIENCE_S)
    assert [spans[0].attributes["vflow.turn.number"] for spans in sent.turns] == [0, 1, 2]
    assert sent.turns[0][0].name == "invoke_agent tone"
    assert (len(sent.closed), warnings) == (1, [])


def test_oldest_turns_are_dropped_and_counted_where_spans_cannot_be_made_so_fast(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_export, "MOST_WAITING", 4)
    sent, warnings = Sent(), list[str]()
    export = SpanExport(sent, False, warnings.append)
    export.add("abc", pipeline, ended(0))
    assert sent.begun.wait(PATIENCE_S)
    for number in range(1, 11):
        export.add("abc", pipeline, ended(number))
    sent.gate.set()
    export.close(PATIENCE_S)
    assert [spans[0].attributes["vflow.turn.number"] for spans in sent.turns] == [0, 7, 8, 9, 10]
    assert warnings == ["warning: the spans of 6 turns were not made: too many waited"]


def test_turn_that_cannot_be_made_into_spans_costs_no_other_one(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, warnings = Sent(), list[str]()
    sent.gate.set()
    export = SpanExport(sent, False, warnings.append)
    wrong = ended()
    wrong.at_ns = {"decided": "soon", "transcript": 3}  # type: ignore[dict-item]
    export.add("abc", pipeline, wrong)
    export.add("abc", pipeline, ended(2))
    export.close(PATIENCE_S)
    assert len(sent.turns) == 1
    assert warnings[0].startswith("warning: a turn has no spans: TypeError")


def test_missing_extra_is_an_error_of_the_option_and_a_warning_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "vflow.otel.otlp", None)
    words = "opentelemetry is not installed: pip install 'vflow-voice[otel]'"
    warnings: list[str] = []
    with pytest.raises(Unavailable, match="opentelemetry is not installed: pip install"):
        begin("", {}, warnings.append)
    assert begin(None, {}, warnings.append) is None
    assert warnings == []
    assert begin(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, warnings.append) is None
    assert warnings == [f"warning: no spans are sent: {words}"]


def test_wrong_variable_is_a_warning_unless_spans_were_asked_for_by_the_option() -> None:
    warnings: list[str] = []
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}
    assert begin(None, environment, warnings.append) is None
    assert warnings[0].startswith("warning: no spans are sent: OTEL_EXPORTER_OTLP_ENDPOINT is no address")
    with pytest.raises(VflowError, match="is no address"):
        begin("", environment, warnings.append)


def test_what_waits_is_sent_at_the_end_of_the_context(pipeline: Pipeline) -> None:
    warnings: list[str] = []
    with receiving() as receiver:
        with sending(receiver.url, {}, warnings.append, PATIENCE_S) as export:
            assert export is not None
            export.add("abc", pipeline, ended())
        assert {span.name for span in receiver.spans} == {"invoke_agent tone", "transcript", "speaking"}
    with sending(None, {}, warnings.append, 0.0) as nothing:
        assert nothing is None
    assert warnings == []
