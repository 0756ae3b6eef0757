"""The shipped agent on a battery of scenes, in virtual time, held against a stored baseline.

Make the baseline anew where the agent got better: run this file as a program.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import soundfile
from hotato import run_single

from vflow.bench.battery.battery_run import BatteryRun, SceneResult
from vflow.bench.battery.outcome import Verdict
from vflow.bench.battery.played import sounding
from vflow.bench.battery.scene import Expected
from vflow.bench.battery.shares import baseline_of, read_baseline, shares, worse
from vflow.bench.battery.voiced import scenes
from vflow.bench.speech import RATE
from vflow.packet import SECOND

GRAPH = Path(__file__).parents[2] / "pipelines" / "voice_agent.yaml"
BASELINE = Path(__file__).with_name("turn_taking.json")
SHORT = {"generator.max_tokens": "24"}
"""Long enough to be interrupted 4 s after it began."""
CHOSEN = (
    "pause-1", "pause-3", "hesitation-1", "digits-2", "backchannel-mm", "backchannel-okay",
    "backchannel-right", "noise-cough", "interruption-what",
)  # fmt: skip
"""The beginnings of the names of those that are played: all take four times as long."""
AGREED_S = 0.15
"""Most by which two judges may differ on when a reply fell silent: this one takes 20 ms frames, and the last
sound for its level alone."""


def play(folder: Path) -> list[SceneResult]:
    chosen = [scene for scene in scenes() if scene.name.startswith(CHOSEN)]
    run = BatteryRun(str(GRAPH), SHORT, chosen, folder, fast=True)
    run.open()
    try:
        return list(run.results(lambda number, count, name: None))
    finally:
        run.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("battery")


@pytest.fixture(scope="module")
def results(folder: Path) -> list[SceneResult]:
    return play(folder)


pytestmark = pytest.mark.timeout(900)


def test_no_share_is_worse_than_in_the_baseline(results: list[SceneResult]) -> None:
    assert list(worse(shares(results), read_baseline(str(BASELINE), fast=True))) == []


def test_every_scene_can_be_judged(results: list[SceneResult]) -> None:
    assert len(results) == 12
    assert [r.wav for r in results if r.outcome.verdict is Verdict.NOT_JUDGED] == []


def test_another_judge_of_the_wavs_agrees_on_who_gave_way_and_when(
    results: list[SceneResult], folder: Path
) -> None:
    judged = 0
    for one in results:
        over = [sounded for sounded in one.played.sounded if sounded.sound.into_reply]
        if not over:
            continue
        stops = one.played.scene.expected is Expected.STOP
        found = _hotato(folder / one.wav, over[0].on_ns, "yield" if stops else "hold")
        gave_way = one.outcome.verdict in ((Verdict.OK,) if stops else (Verdict.REPLY_CUT, Verdict.HOLE))
        assert found["did_yield"] is gave_way, one.wav
        if gave_way:
            silent_s = one.outcome.times_ms["silent"] / 1000
            assert found["seconds_to_yield"] == pytest.approx(silent_s, abs=AGREED_S), one.wav
        judged += 1
    assert judged == 7


def test_another_judge_of_the_wavs_hears_the_agent_within_the_turns_that_are_cut(
    results: list[SceneResult], folder: Path
) -> None:
    turns = [one for one in results if one.played.scene.expected is Expected.ANSWER]
    for one in turns:
        (asked,) = one.played.sounded
        groups = [asked.at_ns + on_ns for on_ns, _ in sounding(asked.sound.clip.samples, RATE)]
        heard = [_hotato(folder / one.wav, on_ns, "hold")["talking"] for on_ns in groups]
        assert any(heard) is (one.outcome.verdict is Verdict.TURN_CUT), one.wav
    assert len(turns) == 4


def _hotato(wav: Path, on_ns: int, expected: str) -> dict[str, object]:
    """The verdict of hotato, which knows only the wav and when the user's sound began."""
    assert soundfile.info(wav).channels == 2
    event = run_single(stereo=str(wav), onset_sec=on_ns / SECOND, expect=expected)["events"][0]
    return {**event["verdict"], "talking": event["measurements"]["agent_talking_at_onset"]}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        played = play(Path(scratch))
    BASELINE.write_text(baseline_of(shares(played), fast=True))
    for one in played:
        print(f"{one.wav}: {one.outcome.verdict.value}")
