"""A bench of a scripted agent, under a clock that needs no time: what it finds is what the script says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.scripted_agent import NODES, REPLY, Answer, graph, utterance
from tests.stand_ins import PATIENCE_S, unplaced
from vflow import Event, GraphError, ManualClock, NodeError, SpeechEnd, TurnEnd
from vflow.bench.bench_run import RECORDINGS, BenchRun, check
from vflow.bench.scenario import ScenarioStep, compose
from vflow.bench.verdict import PromiseVerdict, Standing
from vflow.graph.registry import NodeClass

Benched = Callable[..., BenchRun]


@pytest.fixture
def benched(tmp_path: Path) -> Benched:
    def bench(
        file: Path, steps: list[ScenarioStep], nodes: dict[str, NodeClass] | None = None, until: str = ""
    ) -> BenchRun:
        """Run a scenario to its end, or until the utterance with this text begins."""
        clock, over, standstill = ManualClock(), threading.Event(), ExitStack()

        def end() -> None:
            standstill.enter_context(clock.busy())  # or much could happen before the pipeline is stopped
            over.set()

        def told(number: int, count: int, text: str) -> None:
            if until and text.endswith(until):
                end()

        classes = {**NODES, **(nodes or {})}
        run = BenchRun(str(file), {}, steps, tmp_path, told, end, classes, clock)
        run.pipeline.start()
        try:
            assert over.wait(PATIENCE_S)
        finally:
            run.pipeline.stop()
        run.refine()
        return run

    return bench


def verdict(run: BenchRun, name: str) -> PromiseVerdict:
    return next(verdict for verdict in run.verdicts() if verdict.name == name)


def scenario(turns: int) -> list[ScenarioStep]:
    return compose(turns, [utterance("question")], [utterance("tell me", fixed=True)])


def test_every_promise_is_kept_by_an_agent_that_keeps_it(benched: Benched, tmp_path: Path) -> None:
    run = benched(graph(tmp_path), scenario(10))
    found = {v.name: v for v in run.verdicts()}
    assert [v for v in found.values() if v.standing is Standing.BROKEN] == []
    assert found["answered"].measured == "10 of 10"
    assert found["length"].measured == f"{len(REPLY.split())} words, {3 * len(REPLY.split()) + 1} tokens"
    assert found["length, 'tell me about'"].n == 3
    assert found["interruption"].n == 3
    assert found["errors"].standing is Standing.KEPT


def test_latencies_are_measured_in_the_recordings(benched: Benched, tmp_path: Path) -> None:
    run = benched(graph(tmp_path, every="40ms"), scenario(1))
    (reply,) = run.evidence().replies
    (asked,) = run.script.utterances
    assert reply.latency_ms["first_word"] == pytest.approx(40, abs=1)
    said, rate = soundfile.read(run.said)
    audible_ms = np.flatnonzero(np.abs(said) > 0.01)[0] / rate * 1000
    assert reply.latency_ms["v2v"] == pytest.approx(audible_ms - asked.off_ns / 1e6, abs=35)
    assert verdict(run, "generation").standing is Standing.NOT_PROMISED


def test_the_recorded_input_lies_where_the_script_spoke(benched: Benched, tmp_path: Path) -> None:
    run = benched(graph(tmp_path), scenario(2))
    heard, rate = soundfile.read(run.heard)
    for said in run.script.utterances:
        on, off = (int(ns * rate / 1e9) for ns in (said.on_ns, said.off_ns))
        assert np.abs(heard[on + 10 : on + 500]).max() > 0.1
        assert np.abs(heard[off - 500 : off - 10]).max() > 0.1
        assert np.abs(heard[off + 10 : off + 3000]).max() == 0


def test_the_recordings_of_the_bench_before_stay_where_a_node_does_not_open(
    benched: Benched, tmp_path: Path
) -> None:
    class Broken(Answer):
        """Has no model."""

        def open(self) -> None:
            raise RuntimeError("no model")

    for name in RECORDINGS:
        soundfile.write(tmp_path / name, np.full(160, 0.5), 16000)
    before = [(tmp_path / name).read_bytes() for name in RECORDINGS]
    with pytest.raises(NodeError, match="no model"):
        benched(graph(tmp_path), scenario(1), {"t.answer": Broken})
    assert [(tmp_path / name).read_bytes() for name in RECORDINGS] == before


def test_an_old_recording_of_a_speaker_that_never_plays_is_not_measured(
    benched: Benched, tmp_path: Path
) -> None:
    class Mute(Answer):
        """Ends every reply before it begins."""

        def on_event(self, event: Event) -> TurnEnd | None:
            if isinstance(event, SpeechEnd):
                return TurnEnd(turn=event.turn, meta={"tokens": 0, "stop_reason": "eos"})
            return None

    (tmp_path / "said.wav").write_bytes(b"no wav at all")
    run = benched(graph(tmp_path), scenario(1), {"t.answer": Mute})
    assert not any("audible" in turn.at_ns for turn in run.log.snapshot())


def test_an_interruption_begins_while_the_reply_is_audible_and_is_measured_from_the_voice_too(
    benched: Benched, tmp_path: Path
) -> None:
    run = benched(
        graph(tmp_path),
        [ScenarioStep(utterance("first")), ScenarioStep(utterance("second"), interrupts=True)],
    )
    (cut,) = run.evidence().interruptions
    first, _ = run.evidence().replies
    assert first.interrupted
    assert first.turn == cut.turn == 1
    assert cut.stop_ms is not None
    assert cut.stop_ms < 10
    assert cut.detect_ms is not None
    assert cut.detect_ms == pytest.approx(224, abs=64)  # barge_in_after of the vad, and a frame or two


def test_a_reply_that_was_made_whole_is_listened_to_for_a_while_only(
    benched: Benched, tmp_path: Path
) -> None:
    long = " ".join(["word"] * 200) + "."
    run = benched(graph(tmp_path, text=long, tokens=1), scenario(2))
    first, last = run.evidence().replies
    assert first.whole
    assert first.interrupted
    assert last.whole
    assert verdict(run, "answered").standing is Standing.KEPT
    assert run.pipeline.clock.now_ns() < 40e9  # the replies would play 48 s


def test_short_replies_break_the_length_and_nothing_else(benched: Benched, tmp_path: Path) -> None:
    run = benched(graph(tmp_path, text="It is Paris, of course."), scenario(2))
    broken = [v.name for v in run.verdicts() if v.standing is Standing.BROKEN]
    assert broken == ["length", "length, 'tell me about'"]


def test_words_that_come_all_at_once_after_the_work_are_no_stream(benched: Benched, tmp_path: Path) -> None:
    class Lump(Answer):
        """Thinks, then emits all words at once."""

        def on_event(self, event: Event) -> object:
            if isinstance(event, SpeechEnd):
                self.ctx.wait_until(self.ctx.now_ns() + 90_000_000)
            return super().on_event(event)

    run = benched(graph(tmp_path, every="0ms"), scenario(1), {"t.answer": Lump})
    assert verdict(run, "streaming").standing is Standing.BROKEN


def test_an_agent_that_says_nothing_is_not_answering(benched: Benched, tmp_path: Path) -> None:
    class Mute(Answer):
        """Ends every reply before it begins."""

        def on_event(self, event: Event) -> TurnEnd | None:
            if isinstance(event, SpeechEnd):
                return TurnEnd(turn=event.turn, meta={"tokens": 0, "stop_reason": "eos"})
            return None

    run = benched(graph(tmp_path), scenario(2), {"t.answer": Mute})
    found = verdict(run, "answered")
    assert found.standing is Standing.BROKEN
    assert len(found.failures) == 2


def test_an_agent_that_never_replies_is_given_up_after_two_minutes(benched: Benched, tmp_path: Path) -> None:
    class Dead(Answer):
        """Takes the user's words, and does nothing."""

        def on_event(self, event: Event) -> None:
            return None

    run = benched(graph(tmp_path), scenario(10), {"t.answer": Dead})
    assert verdict(run, "answered").measured == "0 of 2"
    assert verdict(run, "types").standing is Standing.BROKEN  # no turn_end
    assert 110e9 < run.pipeline.clock.now_ns() < 140e9


def test_run_ended_early_reports_the_figures_so_far(benched: Benched, tmp_path: Path) -> None:
    steps = [ScenarioStep(utterance("one")), ScenarioStep(utterance("two")), ScenarioStep(utterance("three"))]
    run = benched(graph(tmp_path), steps, until="two")
    evidence = run.evidence()
    assert [asked.said for asked in evidence.asked] == ["one"]
    assert len(evidence.replies) == 1
    assert verdict(run, "errors").standing is Standing.KEPT


def test_a_budget_of_the_graph_is_a_promise(benched: Benched, tmp_path: Path) -> None:
    budget = "budget: {from: speech_end, to: first_audio, max: 20ms}"
    run = benched(graph(tmp_path, budget, every="40ms"), scenario(1))
    found = verdict(run, "budget")
    assert found.standing is Standing.BROKEN
    assert found.promised == "speech_end to first_audio < 20 ms"


def test_a_node_that_fails_is_an_error_of_the_run(tmp_path: Path) -> None:
    class Broken(Answer):
        """Fails at the end of speech."""

        def on_event(self, event: Event) -> None:
            if isinstance(event, SpeechEnd):
                raise ValueError("cannot")

    run = BenchRun(
        str(graph(tmp_path)),
        {},
        scenario(1),
        tmp_path,
        lambda *_: None,
        lambda: None,
        {**NODES, "t.answer": Broken},
        ManualClock(),
    )
    run.pipeline.start()
    with pytest.raises(NodeError):
        run.pipeline.wait(PATIENCE_S)
    (failure,) = verdict(run, "errors").failures
    assert unplaced(failure) == "answer: ValueError: cannot"


LACKING = """vflow: 1
nodes:
  tone: {use: test_tone}
  end:  {use: 'null'}
links:
  - tone -> end
"""


def test_a_graph_that_is_no_conversation_is_told_every_node_that_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text(LACKING)
    with pytest.raises(GraphError) as raised:
        check(str(tmp_path / "tone.yaml"), {})
    mends = [diagnostic.mend for diagnostic in raised.value.diagnostics]
    assert [mend.split("'")[1] for mend in mends] == [
        "use: mic",
        "use: vad",
        "use: generator",
        "use: speaker",
    ]


def test_a_graph_that_is_a_conversation_lacks_nothing(tmp_path: Path) -> None:
    check(str(graph(tmp_path)), {}, NODES)
