"""Scenes played to a scripted agent, in virtual time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.bench.battery.made import ASKED, into_reply, scene
from tests.scripted_agent import NODES, Answer, graph, utterance
from vflow import Event, NodeError
from vflow.bench.battery.battery_run import BatteryRun, SceneResult
from vflow.bench.battery.outcome import Verdict
from vflow.bench.battery.scene import Scene, Sound
from vflow.bench.speech import RATE, clip_of
from vflow.graph.registry import NodeClass

PAUSED = np.concatenate([utterance().samples, np.zeros(RATE, np.float32), utterance().samples])


def play(
    file: Path, scenes: list[Scene], folder: Path, nodes: dict[str, NodeClass] | None = None
) -> list[SceneResult]:
    run = BatteryRun(str(file), {}, scenes, folder, fast=True, nodes={**NODES, **(nodes or {})})
    run.open()
    try:
        return list(run.results(lambda number, count, name: None))
    finally:
        run.close()


def verdicts(file: Path, folder: Path, *scenes: Scene) -> list[Verdict]:
    return [result.outcome.verdict for result in play(file, list(scenes), folder)]


def test_each_scene_has_a_verdict_and_a_wav_of_both_sides(tmp_path: Path) -> None:
    asked = scene("pause")
    cut = Scene("cut", "pause", (Sound(clip_of("two hums", "made", PAUSED, RATE), asks=True),))
    first, second = play(graph(tmp_path), [asked, cut], tmp_path)
    assert (first.outcome.verdict, second.outcome.verdict) == (Verdict.OK, Verdict.TURN_CUT)
    assert (first.wav, second.wav) == ("01-pause-1.wav", "02-cut.wav")
    assert {file.name for file in tmp_path.glob("*.wav")} == {first.wav, second.wav}
    samples, rate = soundfile.read(tmp_path / first.wav)
    (sounded,) = first.played.sounded
    on = sounded.on_ns * rate // 10**9
    assert np.abs(samples[on : on + 500, 0]).max() > 0.1
    assert not samples[: on - 500, 0].round(3).any()
    answer = round(first.outcome.times_ms["answer"] * rate / 1000) + sounded.off_ns * rate // 10**9
    assert np.abs(samples[answer : answer + 500, 1]).max() > 0.1
    assert not samples[: answer - 500, 1].any()


def test_a_voice_over_the_reply_is_an_interruption_taken_or_a_reply_cut(tmp_path: Path) -> None:
    over = scene("backchannel", ASKED, into_reply(500))
    into = scene("interruption", ASKED, into_reply(500, asks=True))
    assert verdicts(graph(tmp_path), tmp_path, over, into) == [Verdict.REPLY_CUT, Verdict.OK]


def test_an_agent_that_nobody_can_interrupt_goes_on_and_misses(tmp_path: Path) -> None:
    file = graph(tmp_path, word_ms=500)
    file.write_text(
        file.read_text().replace("speech_end_after: 200ms", "speech_end_after: 200ms, barge_in: false")
    )
    over = scene("backchannel", ASKED, into_reply(500))
    into = scene("interruption", ASKED, into_reply(500, asks=True))
    found = play(file, [over, into], tmp_path)
    assert found[0].outcome.verdict is Verdict.FALSE_TURN
    assert found[1].outcome.verdict is Verdict.MISSED


def test_a_reply_that_is_too_short_is_not_judged(tmp_path: Path) -> None:
    over = scene("backchannel", ASKED, into_reply(2000))
    assert verdicts(graph(tmp_path, text="No."), tmp_path, over) == [Verdict.NOT_JUDGED]


def test_the_same_scene_has_the_same_times_again(tmp_path: Path) -> None:
    file = graph(tmp_path)
    first, second = (play(file, [scene("pause")], tmp_path) for _ in range(2))
    assert first[0].outcome == second[0].outcome


def test_a_node_that_fails_ends_the_battery_and_leaves_no_recordings(tmp_path: Path) -> None:
    class Failing(Answer):
        """Fails at the first utterance."""

        def on_event(self, event: Event) -> None:
            raise RuntimeError("no model")

    with pytest.raises(NodeError, match="no model"):
        play(graph(tmp_path), [scene("pause")], tmp_path, {"t.answer": Failing})
    assert list(tmp_path.glob("*.wav")) == []


def test_a_battery_that_is_stopped_plays_no_more(tmp_path: Path) -> None:
    run = BatteryRun(str(graph(tmp_path)), {}, [scene("pause"), scene("digits")], tmp_path, True, NODES)
    names = []

    def told(number: int, count: int, name: str) -> None:
        names.append(name)
        run.stop()

    run.open()
    try:
        assert list(run.results(told)) == []
    finally:
        run.close()
    assert names == ["pause-1"]
    assert list(tmp_path.glob("*.wav")) == []
