"""Each promise over evidence made by hand: kept by a sound one, broken by what it is about, and alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vflow import MS
from vflow.bench.evidence import Asked, Evidence, HeardEnd, HeardReply, HeardWord, Interruption
from vflow.bench.promises import PROMISES, judge
from vflow.bench.verdict import PromiseVerdict, Standing
from vflow.errors import Place
from vflow.graph.graph import Budget

TEXT = "The sea is wide, old and full of fish, and most of it nobody has seen."
LATENCIES = {"endpoint": 480.0, "first_word": 20.0, "word_to_audio": 80.0, "compute": 100.0, "v2v": 580.0}


def reply(turn: int = 1, text: str = TEXT, tokens: int = 60, **changes: Any) -> HeardReply:
    """Make a good reply: its words come evenly over 300 ms, and then the last token."""
    texts = text.split()
    words = tuple(
        HeardWord(
            turn, word, index, (index + 1) * 300 * MS // len(texts), (index + 1) * tokens // (len(texts) + 1)
        )
        for index, word in enumerate(texts)
    )
    made = HeardReply(
        turn, "What is the sea?", words=words, ends=(HeardEnd(turn, 310 * MS, tokens, "eos"),),
        latency_ms=LATENCIES, generation_ms=310.0,
    )  # fmt: skip
    return replace(made, **changes)


def evidence(*replies: HeardReply, **changes: Any) -> Evidence:
    made = replies or (reply(1), reply(2, fixed=True))
    asked = tuple(Asked(r.said, r.turn, audible=True) for r in made)
    sound = Evidence(asked, made, (Interruption(1, 230.0, 4.0, 234.0),), cuda=True)
    return replace(sound, **changes)


def broken(found: Evidence) -> dict[str, PromiseVerdict]:
    return {v.name: v for v in judge(found) if v.standing is Standing.BROKEN}


def with_word(at: int, **changes: Any) -> HeardReply:
    """Make a good reply except for one word."""
    sound = reply()
    words = list(sound.words)
    words[at] = replace(words[at], **changes)
    return replace(sound, words=tuple(words))


def test_sound_evidence_keeps_every_promise() -> None:
    found = evidence()
    standings = {v.name: v.standing for v in judge(found)}
    assert standings.pop("v2v") is Standing.REPORTED
    assert standings.pop("budget") is Standing.NOT_PROMISED
    assert set(standings.values()) == {Standing.KEPT}
    assert len(PROMISES) == len(standings) + 2


def test_no_evidence_keeps_no_promise() -> None:
    standings = {v.name: v.standing for v in judge(Evidence())}
    assert standings.pop("budget") is Standing.NOT_PROMISED
    assert set(standings.values()) == {Standing.NOT_MEASURED}


TOO_SHORT = "It is wide and old and full of fish."
CUT = replace(reply(text=TEXT.removesuffix(".")), ends=(HeardEnd(1, 310 * MS, 250, "limit"),))
AT_ONCE = replace(reply(), words=tuple(replace(w, made_ns=305 * MS + w.index) for w in reply().words))
LATE_FIRST = replace(reply(text="Yes."), words=(HeardWord(1, "Yes.", 0, 300 * MS, 60),))


@pytest.mark.parametrize(
    ("found", "names", "said"),
    [
        pytest.param(evidence(asked=(Asked("Hm?", None),)), {"answered"}, "not heard", id="unheard"),
        pytest.param(evidence(asked=(Asked("Hm?", 1),)), {"answered"}, "no audible reply", id="inaudible"),
        pytest.param(evidence(AT_ONCE), {"streaming"}, "16 words came within 0.0 of the", id="in one lump"),
        pytest.param(evidence(LATE_FIRST), {"streaming", "length"}, "with its last token", id="last token"),
        pytest.param(evidence(reply(tokens=251)), {"length"}, "251 tokens", id="too many tokens"),
        pytest.param(evidence(reply(tokens=19)), {"length"}, "19 tokens", id="too few tokens"),
        pytest.param(evidence(reply(text=TOO_SHORT)), {"length"}, "9 words", id="too few words"),
        pytest.param(
            evidence(reply(fixed=True, tokens=49)),
            {"length, 'tell me about'"}, "49 tokens", id="prompt, tokens",
        ),
        pytest.param(
            evidence(reply(fixed=True, text=TEXT.replace("old and ", ""))),
            {"length, 'tell me about'"}, "14 words", id="prompt, words",
        ),
        pytest.param(evidence(CUT), {"whole sentences"}, "nobody has seen", id="cut inside a sentence"),
        pytest.param(evidence(reply(latency_ms={"first_word": 100.0})), {"first word"}, "100 ms", id="word"),
        pytest.param(
            evidence(reply(latency_ms={"word_to_audio": 150.0})),
            {"word to audio"}, "150 ms", id="audio",
        ),
        pytest.param(evidence(reply(latency_ms={"compute": 300.0})), {"end to end"}, "300 ms", id="compute"),
        pytest.param(evidence(reply(generation_ms=2000.0)), {"generation"}, "2000 ms", id="generation"),
        pytest.param(
            evidence(interruptions=(Interruption(1, 230.0, 100.0, 330.0),)),
            {"interruption"}, "100 ms", id="stop",
        ),
        pytest.param(evidence(interruptions=(Interruption(1),)), {"interruption"}, "went on", id="ignored"),
        pytest.param(evidence(errors=("tts: ValueError: no",)), {"errors"}, "tts: ValueError", id="error"),
        pytest.param(
            evidence(reply(ends=(HeardEnd(1, 310 * MS, 60, "error"),))),
            {"errors"}, "stop_reason error", id="stopped",
        ),
    ],
)  # fmt: skip
def test_promise_is_broken_only_by_its_own_figure(found: Evidence, names: set[str], said: str) -> None:
    failed = broken(found)
    assert failed.keys() == names
    assert any(said in failure for verdict in failed.values() for failure in verdict.failures)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(with_word(3, text=b"wide"), "bytes, not str", id="bytes"),
        pytest.param(with_word(3, text=""), "is empty", id="empty"),
        pytest.param(with_word(3, text="wide "), "holds a space", id="space"),
        pytest.param(with_word(3, text="w\N{NO-BREAK SPACE}e"), "holds a space", id="no-break space"),
        pytest.param(with_word(3, text="wi\ufffd"), "no whole UTF-8", id="replacement"),
        pytest.param(with_word(3, text="wi\ud800"), "no whole UTF-8", id="surrogate"),
        pytest.param(with_word(3, index=4), "word 3: its index is 4", id="index"),
        pytest.param(with_word(3, turn=7), "its turn is 7", id="turn"),
        pytest.param(with_word(15, made_ns=400 * MS), "after its turn_end", id="late"),
        pytest.param(reply(ends=()), "0 turn_ends", id="no end"),
        pytest.param(reply(ends=reply().ends * 2), "2 turn_ends", id="two ends"),
        pytest.param(reply(ends=(HeardEnd(1, 310 * MS, 60, None),)), "stop_reason None", id="no reason"),
        pytest.param(reply(asked_ns=None), "nobody asked", id="unasked"),
    ],
)
def test_types_are_broken_by(bad: HeardReply, said: str) -> None:
    failed = broken(evidence(bad))
    assert said in failed["types"].failures[0]


def test_missing_token_counts_break_length_and_types() -> None:
    uncounted = reply(ends=(HeardEnd(1, 310 * MS, None, "eos"),))
    assert broken(evidence(uncounted)).keys() == {"types", "length"}


def test_an_interrupted_reply_needs_no_end_and_no_length() -> None:
    cut = reply(text="The sea", ends=(), interrupted=True)
    assert broken(evidence(cut)) == {}


def test_a_reply_that_was_whole_before_it_was_interrupted_is_held_to_its_length() -> None:
    short = reply(text="The sea is wide.", interrupted=True)
    assert broken(evidence(short)).keys() == {"length"}


@pytest.mark.parametrize(
    "end", ["seen.", "seen!", "seen?", 'seen."', "seen.)", "seen\u2026", "seen\u3002", "seen.**"]
)
def test_a_sentence_may_end_in(end: str) -> None:
    assert broken(evidence(reply(text=TEXT.replace("seen.", end)))) == {}


@pytest.mark.parametrize("end", ["seen", "seen,", "seen:", "3.5", 'seen,"'])
def test_a_sentence_does_not_end_in(end: str) -> None:
    assert broken(evidence(reply(text=TEXT.replace("seen.", end)))).keys() == {"whole sentences"}


def test_one_late_word_among_many_breaks_the_promise() -> None:
    replies = [reply(n) for n in range(1, 100)]
    late = reply(100, latency_ms={**LATENCIES, "first_word": 101.0})
    failed = broken(evidence(*replies, late))
    assert failed.keys() == {"first word"}
    assert failed["first word"].failures == ("turn 100 ('What is the sea?'): 101 ms",)
    assert failed["first word"].n == 100


@pytest.mark.parametrize(("start", "name"), [("speech_end", "budget"), ("voice_off", "v2v (budget)")])
def test_a_budget_of_the_graph_is_held(start: str, name: str) -> None:
    budget = Budget(start, 90 * MS, Place("agent.yaml"))
    assert broken(evidence(budget=budget)).keys() == {name}
    assert broken(evidence(budget=replace(budget, limit_ns=900 * MS))) == {}


def test_generation_is_promised_with_a_cuda_device_only() -> None:
    slow = evidence(reply(generation_ms=9000.0), cuda=False)
    found = next(v for v in judge(slow) if v.name == "generation")
    assert found.standing is Standing.NOT_PROMISED
    assert found.measured == "max of 1: 9000 ms"


def test_an_interruption_is_told_from_the_voice_too() -> None:
    found = next(v for v in judge(evidence()) if v.name == "interruption")
    assert found.measured == "max of 1: 4 ms; from the voice's onset max of 1: 234 ms"
