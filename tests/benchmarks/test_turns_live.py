"""A live run of human turns: what is cut, split, unanswered and missed, on records made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from vflow import Audio, AudioPacket, Event, In, Node, Out, SpeechEnd, Text, TextPacket, TurnEnd

MS = 1_000_000


@pytest.fixture
def judged(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("turn_taking.judged")


@pytest.fixture
def compared(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("turn_taking.compared")


@pytest.fixture
def live(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("turns_live")


def truth(judged: Any, end_ms: int | None = 5000) -> Any:
    """Make the labels of a clip with sound from 0.5 to 2 s, and from 3 s on."""
    return judged.Truth(((2000 * MS, 3000 * MS),), None if end_ms is None else end_ms * MS)


def piece(judged: Any, turn: int, start: int, decided: int | None, user: str | None, **more: Any) -> Any:
    moments = {name: ms * MS for name, ms in more.items() if name.endswith("_ns")}
    texts = {name: text for name, text in more.items() if not name.endswith("_ns")}
    until = None if decided is None else decided * MS
    return judged.Piece(turn, start * MS, until, user, **moments, **texts)


def history(judged: Any, *entries: tuple[str, str, int]) -> list[Any]:
    return [judged.Entry(*entry) for entry in entries]


def test_a_turn_heard_whole_and_answered_is_neither_cut_nor_harmed(judged: Any) -> None:
    whole = piece(judged, 1, 400, 5480, "all of it", audible_ns=5700)
    said = history(judged, ("user", "all of it", 1), ("assistant", "good", 1))
    found = judged.judge(truth(judged), [whole], said)
    assert (found.cut, found.harmed, found.missed) == (False, False, False)
    assert (found.decided_ms, found.audible_ms) == (480, 700)
    assert (found.words_wasted, found.false_retractions, found.held_too_long) == ([], 0, 0)


def halves(judged: Any, **first: Any) -> list[Any]:
    return [
        piece(judged, 1, 400, 2480, "half", **first),
        piece(judged, 2, 2900, 5480, "the rest", audible_ns=5700),
    ]


def test_halves_that_each_got_a_heard_reply_are_split(judged: Any) -> None:
    first = ("user", "half", 1), ("assistant", "I am sorry for", 1)
    said = history(judged, *first, ("user", "the rest", 2), ("assistant", "ok", 2))
    pieces = halves(judged, audible_ns=2700, flushed_ns=3200, heard="I am sorry for")
    found = judged.judge(truth(judged), pieces, said)
    assert (found.cut, found.split, found.unanswered, found.harmed) == (True, True, False, True)
    assert found.words_wasted == [4]
    assert found.decided_ms == 480


def test_halves_that_are_joined_and_answered_as_a_whole_are_cut_but_not_harmed(judged: Any) -> None:
    said = history(judged, ("user", "half", 1), ("user", "the rest", 2), ("assistant", "good", 2))
    found = judged.judge(truth(judged), halves(judged, flushed_ns=3200), said)
    assert (found.cut, found.harmed, found.words_wasted) == (True, False, [])


def test_a_reply_that_was_taken_back_splits_nothing_and_its_words_are_counted(judged: Any) -> None:
    said = history(judged, ("user", "half", 1), ("user", "the rest", 2), ("assistant", "good", 2))
    pieces = halves(judged, audible_ns=2700, flushed_ns=3200, heard="I am")
    found = judged.judge(truth(judged), pieces, said)
    assert (found.cut, found.harmed, found.words_wasted) == (True, False, [2])


def test_words_that_no_heard_reply_follows_are_unanswered(judged: Any) -> None:
    pieces = [
        piece(judged, 1, 400, 2480, "half", audible_ns=2700),
        piece(judged, 2, 2900, 5480, "the rest"),
    ]
    said = history(judged, ("user", "half", 1), ("assistant", "I am", 1), ("user", "the rest", 2))
    found = judged.judge(truth(judged), pieces, said)
    assert (found.split, found.unanswered, found.audible_ms) == (False, True, None)
    written = [*said, judged.Entry("assistant", "never played", 2)]
    assert judged.judge(truth(judged), pieces, written).unanswered


def test_a_sound_in_no_turn_is_unanswered_unless_it_is_short(judged: Any) -> None:
    first = piece(judged, 1, 400, 2480, "half", audible_ns=2700)
    said = history(judged, ("user", "half", 1), ("assistant", "I am", 1))
    assert judged.judge(truth(judged), [first], said).unanswered
    assert not judged.judge(truth(judged, end_ms=3250), [first], said).harmed


def test_a_turn_that_came_to_no_transcript_is_unanswered_and_one_without_words_is_not(judged: Any) -> None:
    said = history(judged, ("user", "the rest", 2), ("assistant", "good", 2))
    (_, rest) = halves(judged)
    for user, unanswered in ((None, True), ("", False)):
        pieces = [piece(judged, 1, 400, 2480, user), rest]
        assert judged.judge(truth(judged), pieces, said).unanswered is unanswered


def test_a_clip_without_a_turn_is_missed_and_harmed_and_has_no_delay(judged: Any) -> None:
    found = judged.judge(truth(judged), [], [])
    assert (found.missed, found.harmed, found.decided_ms) == (True, True, None)


def test_a_clip_whose_end_is_not_known_has_no_delay(judged: Any) -> None:
    whole = piece(judged, 1, 400, 5480, "all of it", audible_ns=5700)
    said = history(judged, ("user", "all of it", 1), ("assistant", "good", 1))
    found = judged.judge(truth(judged, end_ms=None), [whole], said)
    assert (found.harmed, found.decided_ms, found.audible_ms) == (False, None, None)


def test_a_heard_reply_that_is_cut_after_the_last_sound_is_a_false_retraction(judged: Any) -> None:
    whole = piece(judged, 1, 400, 5480, "all", audible_ns=5700, flushed_ns=6000, heard="go od")
    found = judged.judge(truth(judged), [whole], history(judged, ("user", "all", 1)))
    assert (found.false_retractions, found.words_wasted) == (1, [])


def test_a_reply_that_was_heard_whole_before_it_was_taken_back_counts_as_cut(judged: Any) -> None:
    said = history(judged, ("user", "half", 1), ("user", "the rest", 2), ("assistant", "good", 2))
    pieces = halves(judged, audible_ns=2700, taken_back=True, heard="Oh dear.")
    assert judged.judge(truth(judged), pieces, said).words_wasted == [2]


def test_a_hold_counts_from_the_last_sound_where_the_reply_went_on(judged: Any) -> None:
    def held(from_ms: int, to_ms: int, released: bool = True) -> int:
        hold = judged.Hold(from_ms * MS, to_ms * MS, released)
        count: int = judged.judge(truth(judged), [], [], [hold]).held_too_long
        return count

    assert held(5600, 5901) == 1
    assert held(5600, 5900) == 0
    assert held(4000, 5250) == 0, "the user spoke until 5000"
    assert held(5600, 6200, released=False) == 0


def test_paired_shares_are_compared_by_mcnemar(compared: Any) -> None:
    assert compared.mcnemar(0, 0) == 1
    assert compared.mcnemar(5, 5) == 1
    assert compared.mcnemar(10, 1) == pytest.approx(0.01172, abs=1e-5)
    assert compared.mcnemar(1, 10) == compared.mcnemar(10, 1)


def test_paired_delays_are_compared_by_their_differences(compared: Any) -> None:
    assert compared.difference([], []) == {}
    same = compared.difference([100, 900, 500], [90, 890, 490])
    assert (same["n"], same["mean"], same["low"], same["high"]) == (3, -10, -10, -10)
    wide = compared.difference([0, 0, 0, 0], [-40, 40, -40, 40])
    assert wide["low"] < 0 < wide["high"]


def test_runs_are_compared_over_the_clips_of_both(compared: Any) -> None:
    def clip(file: str, cut: bool, decided_ms: float | None) -> dict[str, Any]:
        return {
            "file": file,
            "cut": cut,
            "harmed": cut,
            "missed": False,
            "decided_ms": decided_ms,
            "audible_ms": None,
        }

    found = compared.compare(
        [clip("a", True, 480), clip("b", False, 500), clip("only before", True, 1)],
        [clip("a", False, 250), clip("b", False, None), clip("only now", True, 1)],
    )
    assert found["clips"] == 2
    assert found["cut"] == {"only_before": 1, "only_after": 0, "p": 1.0}
    assert (found["decided_ms"]["n"], found["decided_ms"]["mean"]) == (1, -230)
    assert found["audible_ms"] == {}


def test_some_clips_are_chosen_of_each_kind(live: Any) -> None:
    kinds = ["call1"] * 50 + ["query"] * 10 + ["read"] * 5
    clips = [live.Clip(Path(f"{number}"), kind, (), None) for number, kind in enumerate(kinds)]
    taken = live.chosen(clips, 4)
    assert [clip.kind for clip in taken] == ["call1", "call1", "query", "read"]
    assert [clip.file.name for clip in taken] == ["0", "25", "50", "60"]
    assert live.chosen(clips, None) == live.chosen(clips, 100) == clips


def test_figures_of_a_kind_have_shares_delays_and_words(live: Any) -> None:
    def clip(kind: str, cut: bool, delay: float | None, wasted: list[int]) -> dict[str, Any]:
        flags = dict.fromkeys(("harmed", "split", "unanswered", "missed"), False)
        delays = {"decided_ms": delay, "audible_ms": None}
        counts = {"held_too_long": 1, "false_retractions": 0}
        return {"kind": kind, "cut": cut, **flags, **delays, "words_wasted": wasted, **counts}

    results = live.by_kind(
        [clip("call1", True, 480, [3, 1]), clip("dialog", False, 520, []), clip("read", False, None, [])]
    )
    assert list(results) == ["conversation", "read aloud"]
    told = results["conversation"]
    assert (told["turns"], told["cut"]["clips"], told["cut"]["percent"]) == (2, 1, 50)
    assert told["decided_ms"]["p50_ms"] == 500
    assert told["audible_ms"] == {"n": 0}
    assert told["replies_cut"] == {"n": 2, "words_mean": 2, "words_max": 3, "of_two_words_at_most": 1}
    assert told["held_too_long"] == 2
    assert any("cut" in line for line in live.table(results))


def test_a_hold_is_told_by_its_end_in_the_time_of_the_clip(live: Any) -> None:
    holds = live.Holds()
    for at, phase, held in (
        (200, "begun", 0),
        (300, "released", 100),
        (500, "flushed", 80),
        (900, "given_up", 150),
    ):
        holds.listen(live.Message("hold", "turn", at, data={"node": "turn", "phase": phase, "held_ns": held}))
    holds.listen(live.Message("state", "turn", 950, data={"phase": "released"}))
    found = [(hold.from_ns, hold.to_ns, hold.released) for hold in holds.after(50)]
    assert found == [(150, 250, True), (370, 450, False), (700, 850, True)]


class Echo(Node):
    """Stands in for a generator: answers each utterance with the same three words."""

    generates = True
    heavy = True
    audio = In(Audio(rate=16_000, channels=1, features={"turns"}))
    words = Out(Text("word"), bus=True)
    transcript = Out(Text("final"), bus=True)

    def process(self, packet: AudioPacket) -> None:
        return None

    def on_event(self, event: Event) -> Iterator[Any]:
        if isinstance(event, SpeechEnd):
            yield self.transcript, TextPacket(text=f"utterance {event.turn}", turn=event.turn)
            self.ctx.conversation.append("user", f"utterance {event.turn}", event.turn)
            for index, word in enumerate(("so", "it", "is")):
                yield self.words, TextPacket(text=word, index=index, turn=event.turn)
            self.ctx.conversation.append("assistant", "so it is", event.turn)
            yield self.words, TurnEnd(turn=event.turn, meta={"tokens": 3, "stop_reason": "eos"})


def test_a_clip_with_a_long_pause_is_cut_and_split_by_a_short_wait(
    live: Any, benchmark: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARD_S", 0.1)
    sound = np.random.default_rng(0).normal(size=40_000) * 1e-4
    for begun, until in ((8_000, 14_000), (24_000, 30_000)):
        sound[begun:until] += 0.2 * np.sin(np.arange(until - begun) * 0.3)
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    voice = benchmark("embedding").Voice
    nodes = {
        "mic": {"use": "mic"},
        "vad": {"use": "vad.energy", "speech_end_after": "200ms"},
        "echo": {"use": "b.echo"},
        "voice": {"use": "b.voice"},
        "speaker": {"use": "speaker"},
    }
    graph = {"nodes": nodes, "links": ["mic -> vad -> echo.audio", "echo.words -> voice -> speaker"]}
    clip = live.Clip(tmp_path / "a.wav", "call1", ((14 / 16, 24 / 16),), 30 / 16)
    with live.loaded(graph, {}, nodes={"b.echo": Echo, "b.voice": voice}) as preloaded:
        found = live.talk(preloaded, clip)
    assert [piece["user"] for piece in found.pieces] == ["utterance 1", "utterance 2"]
    assert (found.cut, found.split, found.unanswered, found.missed) == (True, True, False, False)
    assert 150 < found.decided_ms <= found.audible_ms
    assert found.file == "a.wav"
