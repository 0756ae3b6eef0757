"""`vflow run --otel`: the spans of a run are those of its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from tests.otlp_receiver import Received, receiving
from vflow.report.stages import parts

QUESTION = Path(__file__).parents[2] / "pipelines" / "question.wav"
TONE = "nodes: {mic: {use: test_tone, duration: 20ms}, end: {use: 'null'}}\nlinks: [mic -> end]\n"


def stages_of(spans: list[Received]) -> list[tuple[str, float, float]]:
    """The stages, in ms from where the turn begins."""
    turn = next(span for span in spans if not span.parent)
    staged = sorted((s for s in spans if "vflow.stage" in s.attributes), key=lambda s: (s.start_ns, s.end_ns))
    return [(s.name, (s.start_ns - turn.start_ns) / 1e6, (s.end_ns - turn.start_ns) / 1e6) for s in staged]


def reported(file: Path) -> list[tuple[str, float, float]]:
    """The stages of the report's only turn."""
    (turn,) = json.loads(file.read_text())["turns"]
    found = parts({name: round(ms * 1e6) for name, ms in turn["at_ms"].items() if ms is not None})
    zero = found[0].start_ns
    return [(part.name, (part.start_ns - zero) / 1e6, (part.end_ns - zero) / 1e6) for part in found]


def test_spans_of_recorded_runs_have_the_times_of_their_reports(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "reports").mkdir()
    words = "--input", str(QUESTION), "--input", str(QUESTION), "--fast", "--report", "reports"
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        ran = vflow("run", "transcribe", *words)
        assert ran.code == 0
        assert receiver.url not in ran.err
    assert {span.name for span in receiver.spans if not span.parent} == {"invoke_agent transcribe"}
    traces = {span.trace for span in receiver.spans}
    assert len(traces) == len(
        {span.attributes.get("gen_ai.conversation.id") for span in receiver.spans} - {None}
    )
    found = [stages_of([span for span in receiver.spans if span.trace == trace]) for trace in traces]
    wanted = [reported(file) for file in sorted((tmp_path / "reports").iterdir())]
    assert len(found) == len(wanted) == 2
    for spans, stages in zip(sorted(found), sorted(wanted), strict=True):
        assert [name for name, *_ in spans] == [name for name, *_ in stages]
        for (_, *times), (_, *expected) in zip(spans, stages, strict=True):
            assert times == pytest.approx(expected, abs=0.2)
    assert "France" not in str(receiver.spans)


def test_run_without_spans_loads_nothing_of_them(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vflow.otel.otlp", None)
    assert vflow("run", "g.yaml", files={"g.yaml": TONE}).code == 0


def test_missing_extra_is_a_sentence(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vflow.otel.otlp", None)
    ran = vflow("run", "g.yaml", "--otel", files={"g.yaml": TONE})
    told = "opentelemetry is not installed: pip install 'vflow-voice[otel]'"
    assert (ran.code, ran.err) == (2, f"--otel: error: {told}\n")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    ran = vflow("run", "g.yaml", files={"g.yaml": TONE})
    assert ran.code == 0
    assert f"warning: no spans are sent: {told}\n" in ran.err
    assert vflow("run", "g.yaml", "--quiet", files={"g.yaml": TONE}).err == ""


@pytest.mark.parametrize("words", [["--otel", "g.yaml"], ["g.yaml", "--otel", "collector:4317"]])
def test_what_is_no_address_is_refused(
    vflow: Vflow, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        vflow("run", *words, files={"g.yaml": TONE})
    assert ended.value.code == 2
    assert "is no address such as http://localhost:4318; FILE goes before --otel" in capsys.readouterr().err
