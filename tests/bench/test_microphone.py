"""The script of the microphone: when the user speaks, waits, falls into a reply, or gives it up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.scripted_agent import RATE, utterance
from vflow import MS, SECOND
from vflow.bench.microphone import (
    GIVEN_UP,
    HEARD_NS,
    INTO_NS,
    PATIENCE_NS,
    QUIET_NS,
    SAVE_S,
    Recording,
    Script,
)
from vflow.bench.scenario import ScenarioStep
from vflow.graph.graph import Graph
from vflow.report.turn import TurnRecord
from vflow.report.turn_log import TurnLog

FRAME_NS = 32 * MS
FRAME = FRAME_NS * RATE // SECOND


class Room:
    """A scenario's script, and the turns that the test says came of its utterances."""

    def __init__(self, *steps: ScenarioStep) -> None:
        self.log = TurnLog(Graph("g.yaml"))
        self.told: list[str] = []
        self.script = Script(steps, self.log, lambda n, of, text: self.told.append(text), lambda: None)
        self.now_ns = 0

    def run_to(self, at_ns: int) -> bool:
        """Play frames up to a time; return whether the scenario goes on."""
        while self.now_ns < at_ns:
            if self.script.frame(self.now_ns, FRAME) is None:
                return False
            self.now_ns += FRAME_NS
        return True

    def ask(self) -> TurnRecord:
        """Play the next utterance; return its turn, with its end decided."""
        count = len(self.script.utterances)
        while len(self.script.utterances) == count:
            assert self.run_to(self.now_ns + FRAME_NS)
        assert self.run_to(self.script.utterances[-1].off_ns + 500 * MS)
        return self.log.turns.setdefault(
            count + 1, TurnRecord(count + 1, at_ns={"decided": self.now_ns, "speech_start": 0})
        )


def test_user_speaks_the_clip_after_a_quiet_moment() -> None:
    clip = utterance("why")
    room = Room(ScenarioStep(clip))
    heard = []
    for at in range(200):
        frame = room.script.frame(at * FRAME_NS, FRAME)
        assert frame is not None
        assert frame.shape == (FRAME,)
        heard.append(frame)
    (said,) = room.script.utterances
    assert QUIET_NS <= said.at_ns < QUIET_NS + FRAME_NS
    start = said.at_ns * RATE // SECOND
    every = np.concatenate(heard)
    assert (every[start : start + len(clip.samples)] == clip.samples).all()
    assert not every[:start].any()
    assert room.told == ["why"]


def test_the_next_question_comes_after_the_reply_and_a_quiet_moment() -> None:
    room = Room(ScenarioStep(utterance("one")), ScenarioStep(utterance("two")))
    turn = room.ask()
    turn.at_ns["audible"] = room.now_ns
    assert room.run_to(room.now_ns + 5 * SECOND)
    assert room.told == ["one"]
    turn.at_ns["reply_end"] = ended_ns = room.now_ns
    room.ask()
    assert QUIET_NS <= room.script.utterances[1].at_ns - ended_ns <= QUIET_NS + 2 * FRAME_NS


def test_the_scenario_is_over_after_its_last_reply() -> None:
    room = Room(ScenarioStep(utterance()))
    room.ask().at_ns["reply_end"] = room.now_ns
    assert not room.run_to(room.now_ns + SECOND)
    assert room.script.utterances[0].settled


def test_an_interruption_falls_into_the_reply_while_it_is_audible() -> None:
    room = Room(ScenarioStep(utterance("one")), ScenarioStep(utterance("two"), interrupts=True))
    turn = room.ask()
    assert room.run_to(room.now_ns + 5 * SECOND)
    assert room.told == ["one"]  # nothing is audible yet
    turn.at_ns["audible"] = audible_ns = room.now_ns
    room.ask()
    least, most = INTO_NS
    assert least <= room.script.utterances[1].at_ns - audible_ns <= most + FRAME_NS
    assert room.told == ["one", "interrupting: two"]


def test_a_reply_that_was_made_whole_is_not_listened_to_for_ever() -> None:
    room = Room(ScenarioStep(utterance("one")), ScenarioStep(utterance("two")))
    turn = room.ask()
    turn.words, turn.stop_reason, turn.at_ns["audible"] = ["word"], "eos", room.now_ns
    audible_ns = room.now_ns
    room.ask()
    assert HEARD_NS <= room.script.utterances[1].at_ns - audible_ns <= HEARD_NS + 2 * FRAME_NS


def test_a_reply_that_shows_signs_of_life_is_waited_for() -> None:
    room = Room(ScenarioStep(utterance("one")), ScenarioStep(utterance("two")))
    turn = room.ask()
    for _ in range(3):
        turn.tokens += 1
        assert room.run_to(room.now_ns + PATIENCE_NS - SECOND)
    assert room.told == ["one"]
    assert room.run_to(room.now_ns + QUIET_NS + 2 * SECOND)
    assert room.told == ["one", "two"]
    assert room.script.given_up == 1


@pytest.mark.parametrize("replies", [False, True])
def test_the_scenario_ends_where_no_reply_comes_at_all(replies: bool) -> None:
    room = Room(*[ScenarioStep(utterance(str(n))) for n in range(2 * GIVEN_UP)])
    goes_on = True
    while goes_on and room.now_ns < 3 * GIVEN_UP * PATIENCE_NS:
        if replies and room.script.given_up == GIVEN_UP - 1 and len(room.script.utterances) == GIVEN_UP:
            number = len(room.script.utterances)
            at_ns = {"decided": room.script.utterances[-1].off_ns + 1, "reply_end": room.now_ns}
            room.log.turns[number] = TurnRecord(number, at_ns=at_ns)
        goes_on = room.run_to(room.now_ns + SECOND)
    assert not goes_on
    assert len(room.script.utterances) == (2 * GIVEN_UP if replies else GIVEN_UP)


def test_a_recording_is_readable_before_it_is_closed(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path / "heard.wav"), lead=5)
    sent = np.random.default_rng(1).uniform(-1.2, 1.2, round(SAVE_S * RATE)).astype(np.float32)
    recording.add(sent)
    found, rate = soundfile.read(tmp_path / "heard.wav", dtype="float32")
    assert rate == RATE
    assert not found[:5].any()
    np.testing.assert_allclose(found[5:], np.clip(sent, -1, 1), atol=1 / 32768)
    recording.add(sent[:100])
    recording.close()
    recording.close()
    assert soundfile.info(tmp_path / "heard.wav").frames == 5 + len(sent) + 100
