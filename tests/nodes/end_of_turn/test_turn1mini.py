"""turn-1-mini as a candidate: it hears the whole utterance, and rates a pause for as long as it lasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.nodes.end_of_turn.stand_in import PAUSE_NS, ratings, utter
from tests.nodes.end_of_turn.turn1mini_stand_in import pulled
from vflow import MS, SECOND, AudioPacket, Harness, Pause, Resume, SpeechEnd, SpeechStart, TextPacket
from vflow.graph.registry import Registry
from vflow.graph.resolver import Resolver
from vflow.ports import Item
from vflow_nodes.end_of_turn.turn1mini import Turn1MiniEndOfTurn
from vflow_nodes.lib import turn1mini
from vflow_nodes.lib.turn1mini import RATE, STEP

pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The stand-in, pulled; returns its file."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return pulled(tmp_path)


def hear(harness: Harness, level: float, at_ns: int, turn: int = 1, samples: int = STEP) -> list[Item]:
    """A packet of a steady level, which the stand-in adds up: a positive one makes its rating rise."""
    harness.pull()
    data = np.full(samples, level, np.float32)
    return harness.push(AudioPacket(data=data, rate=RATE, pts_ns=at_ns, turn=turn), "audio")


def spoken(harness: Harness, turn: int = 1) -> None:
    """A step of speech that is rated 0.44."""
    harness.event(SpeechStart(turn=turn))
    hear(harness, -0.0001, 0, turn)


def at_pause(harness: Harness, turn: int = 1, pts_ns: int = 160 * MS) -> list[Item]:
    harness.pull()
    harness.time_ns = pts_ns
    return harness.event(Pause(turn=turn, pts_ns=pts_ns))


def test_a_pause_gets_one_verdict_of_its_turn_and_time() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        (verdict,) = utter(harness)
        assert isinstance(verdict, TextPacket)
        assert (verdict.turn, verdict.pts_ns) == (1, PAUSE_NS)
        assert verdict.meta["finished"] == pytest.approx(1.0)
        harness.pull()
        assert harness.event(Pause(turn=1, pts_ns=PAUSE_NS)) == [], "the same, by the other input"
        assert harness.event(SpeechEnd(turn=1, pts_ns=2 * PAUSE_NS)) == []


def test_a_verdict_is_the_probability_of_the_model() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        expected = 1 / (1 + np.exp(0.0001 * STEP))
        assert ratings(at_pause(harness)) == [pytest.approx(expected, rel=1e-4)]


def test_a_rating_that_rises_in_the_pause_gives_another_verdict_on_it() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        first = ratings(at_pause(harness))
        (risen,) = hear(harness, 0.001, 160 * MS)
        assert isinstance(risen, TextPacket)
        assert (risen.turn, risen.pts_ns) == (1, 160 * MS)
        assert risen.meta["finished"] > first[0]
        assert hear(harness, -0.001, 320 * MS) == [], "lower: the highest counts"
        assert hear(harness, 0.001, 480 * MS) == [], "no higher than before"
        assert len(ratings(hear(harness, 0.001, 640 * MS))) == 1


@pytest.mark.parametrize("event", [Resume, SpeechEnd])
def test_a_pause_that_is_over_is_rated_no_more(event: type[Resume] | type[SpeechEnd]) -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        at_pause(harness)
        harness.pull()
        assert harness.event(event(turn=1, pts_ns=200 * MS)) == []
        assert hear(harness, 0.01, 200 * MS) == []


def test_speech_after_a_pause_is_heard_on_and_its_next_pause_rated() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        first = ratings(at_pause(harness))
        harness.event(Resume(turn=1, pts_ns=160 * MS))
        hear(harness, -0.0001, 160 * MS)
        second = ratings(at_pause(harness, pts_ns=320 * MS))
        assert 0 < second[0] < first[0], "lower than before counts, of another pause"


def test_a_turn_begins_with_nothing_heard_of_the_one_before() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        first = ratings(at_pause(harness))
        hear(harness, 1.0, 160 * MS)
        harness.event(SpeechEnd(turn=1, pts_ns=400 * MS))
        spoken(harness, turn=2)
        assert ratings(at_pause(harness, turn=2)) == first


def test_audio_of_another_turn_is_not_heard() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        hear(harness, 1.0, 100 * MS, turn=7)
        assert ratings(at_pause(harness))[0] < 0.5


def test_a_pause_that_is_half_a_second_old_is_not_judged() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        spoken(harness)
        harness.pull()
        harness.time_ns = SECOND
        assert harness.event(Pause(turn=1, pts_ns=160 * MS)) == []
        assert hear(harness, 0.01, 160 * MS) == []


def test_the_transcript_changes_nothing() -> None:
    with Harness(Turn1MiniEndOfTurn()) as harness:
        utter(harness)
        harness.pull()
        assert harness.push(TextPacket(text="And", turn=1, pts_ns=PAUSE_NS), "transcript") == []


def test_it_plays_the_role_where_it_was_pulled_and_smart_turn_was_not(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path
) -> None:
    def best() -> str:
        return next(c.name for c in Resolver(Registry()).candidates("end_of_turn") if not c.problem)

    monkeypatch.setattr("vflow.models.catalogue.is_present", lambda name: name == "smart-turn")
    assert best() == "end_of_turn.fused"
    monkeypatch.setattr("vflow.models.catalogue.is_present", lambda name: False)
    assert best() == "end_of_turn.turn1mini"
    stand_in.unlink()
    assert best() == "end_of_turn.silence"
    assert Turn1MiniEndOfTurn.unavailable() == turn1mini.problem() != ""
