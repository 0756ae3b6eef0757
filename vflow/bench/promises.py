"""The promises: each is a function of the evidence that returns what was measured and whether it is kept.

A promise covers every sample: one reply too short or one word too late breaks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from vflow.bench.evidence import Evidence, HeardReply, HeardWord
from vflow.bench.verdict import PromiseVerdict, Standing, limit, spread, verdict
from vflow.packet import MS
from vflow.scripts import join_words

MIN_WORDS, MIN_TOKENS, MAX_TOKENS = 10, 20, 250
FIXED_WORDS, FIXED_TOKENS = 15, 50
"""Least length of a reply, and of a reply to a fixed prompt."""
FIRST_WORD_MS, WORD_TO_AUDIO_MS, INTERRUPTION_MS, END_TO_END_MS, GENERATION_MS = 100, 150, 100, 300, 2000
LUMP = 0.1
"""Least share of a streamed reply's time over which its words come. The words of a reply that is generated
first and then cut into words come all at once."""
_SENTENCE_END = re.compile("[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)\\]*_]*\\Z")
"""A full stop, question or exclamation mark or ellipsis, Japanese ones too, and closing marks after it."""


def judge(evidence: Evidence) -> list[PromiseVerdict]:
    """Return the verdict on every promise, in the order of the table."""
    return [promise(evidence) for promise in PROMISES]


def answered(evidence: Evidence) -> PromiseVerdict:
    """Check that every utterance got an audible reply: silence would keep all other promises."""
    failures = [
        f"{asked.said!r} {'was not heard as one utterance' if asked.turn is None else 'got no audible reply'}"
        for asked in evidence.asked
        if not asked.audible
    ]
    n = len(evidence.asked)
    return verdict("answered", "every utterance, aloud", f"{n - len(failures)} of {n}", n, failures)


def streaming(evidence: Evidence) -> PromiseVerdict:
    found = [(reply, _lump(reply)) for reply in evidence.replies if reply.whole and reply.words]
    failures = [f"{_name(reply)}: {why}" for reply, why in found if why]
    measured = f"{len(found) - len(failures)} of {len(found)} replies"
    promised = "first word before the last token, words over time"
    return verdict("streaming", promised, measured, len(found), failures)


def _lump(reply: HeardReply) -> str:
    """Return why a reply was not streamed; '' if it was."""
    first, last, end = reply.words[0], reply.words[-1], reply.ends[-1]
    if first.made_ns >= end.made_ns or (
        isinstance(first.tokens, int) and isinstance(end.tokens, int) and first.tokens >= end.tokens
    ):
        return "its first word came with its last token"
    took, over = end.made_ns - (reply.asked_ns or 0), last.made_ns - first.made_ns
    if len(reply.words) > 2 and over < LUMP * took:
        return f"its {len(reply.words)} words came within {over / MS:.1f} of the {took / MS:.0f} ms it took"
    return ""


def types(evidence: Evidence) -> PromiseVerdict:
    found = [problem for reply in evidence.replies for problem in _unsound(reply)]
    words = sum(len(reply.words) for reply in evidence.replies)
    promised = "words: str, no space, UTF-8, numbered; one turn_end"
    return verdict("types", promised, f"{words} words, {len(evidence.replies)} replies", words, found)


def _unsound(reply: HeardReply) -> Iterator[str]:
    """Yield what is wrong with the packets of a reply."""
    name = _name(reply)
    if reply.asked_ns is None:
        yield f"{name}: {len(reply.words)} words of a turn that nobody asked"
        return
    for at, word in enumerate(reply.words):
        if problem := _misspelt(word):
            yield f"{name}, word {at}: {problem}"
        if word.index != at:
            yield f"{name}, word {at}: its index is {word.index}"
        if word.turn != reply.turn:
            yield f"{name}, word {at}: its turn is {word.turn}"
    if len(reply.ends) > 1 or (not reply.ends and not reply.interrupted):
        yield f"{name}: {len(reply.ends)} turn_ends"
    for end in reply.ends:
        if not isinstance(end.tokens, int) or end.stop_reason not in ("eos", "limit", "error", "flush"):
            yield f"{name}: its turn_end says tokens {end.tokens!r}, stop_reason {end.stop_reason!r}"
        if reply.words and reply.words[-1].made_ns > end.made_ns:
            yield f"{name}: a word after its turn_end"


def _misspelt(word: HeardWord) -> str:
    """Return what is wrong with the text of a word; '' if nothing is."""
    text = word.text
    if not isinstance(text, str):
        return f"is {type(text).__name__}, not str"
    if not text:
        return "is empty"
    if any(map(str.isspace, text)):
        return f"{text!r} holds a space"
    if "\N{REPLACEMENT CHARACTER}" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return f"{text!r} is no whole UTF-8"
    return ""


def length(evidence: Evidence) -> PromiseVerdict:
    found = [reply for reply in evidence.replies if reply.whole]
    return _length("length", found, MIN_WORDS, MIN_TOKENS)


def fixed_length(evidence: Evidence) -> PromiseVerdict:
    found = [reply for reply in evidence.replies if reply.whole and reply.fixed]
    return _length("length, 'tell me about'", found, FIXED_WORDS, FIXED_TOKENS)


def _length(name: str, replies: Sequence[HeardReply], words: int, tokens: int) -> PromiseVerdict:
    failures = []
    for reply in replies:
        count = reply.tokens
        if len(reply.words) < words or count is None or not tokens <= count <= MAX_TOKENS:
            failures.append(f"{_name(reply)}: {len(reply.words)} words, {count} tokens")
    spread = [
        f"{_range([len(reply.words) for reply in replies])} words",
        f"{_range([reply.tokens for reply in replies if reply.tokens is not None])} tokens",
    ]
    promised = f"at least {words} words, {tokens}-{MAX_TOKENS} tokens"
    return verdict(name, promised, ", ".join(spread), len(replies), failures)


def sentences(evidence: Evidence) -> PromiseVerdict:
    found = [reply for reply in evidence.replies if reply.whole and reply.words]
    failures = [
        f"{_name(reply)}: ends in {join_words(str(word.text) for word in reply.words[-3:])!r}"
        for reply in found
        if not _SENTENCE_END.search(str(reply.words[-1].text))
    ]
    measured = f"{len(found) - len(failures)} of {len(found)} replies"
    return verdict("whole sentences", "no reply is cut inside a sentence", measured, len(found), failures)


def first_word(evidence: Evidence) -> PromiseVerdict:
    return _latency(
        "first word", "first_word", FIRST_WORD_MS, "end of speech decided to first word", evidence
    )


def word_to_audio(evidence: Evidence) -> PromiseVerdict:
    about = "first word to audible"
    return _latency("word to audio", "word_to_audio", WORD_TO_AUDIO_MS, about, evidence)


def interruption(evidence: Evidence) -> PromiseVerdict:
    """Check the time from the flush on, which the pipeline takes. The time from the voice's onset is shown
    too; it contains the voice that the pipeline needs before it believes it."""
    found = evidence.interruptions
    ignored = [f"turn {cut.turn}: went on beside the user's voice" for cut in found if cut.stop_ms is None]
    stops = [(f"turn {cut.turn}", cut.stop_ms) for cut in found if cut.stop_ms is not None]
    late = [f"{name}: {ms:.0f} ms" for name, ms in stops if ms >= INTERRUPTION_MS]
    measured = spread([ms for _, ms in stops])
    if stops:
        over = [cut.talk_over_ms for cut in found if cut.talk_over_ms is not None]
        measured += f"; from the voice's onset {spread(over)}"
    promised = f"flush to silence < {INTERRUPTION_MS} ms"
    return verdict("interruption", promised, measured, len(found), ignored + late)


def end_to_end(evidence: Evidence) -> PromiseVerdict:
    about = "end of speech decided to audible"
    return _latency("end to end", "compute", END_TO_END_MS, about, evidence)


def voice_to_voice(evidence: Evidence) -> PromiseVerdict:
    """Report how long the user waits; it is a promise only if the graph's budget makes it one."""
    budget = evidence.budget
    if budget is not None and budget.start == "voice_off":
        return _latency("v2v (budget)", "v2v", budget.limit_ns / MS, "last sound to audible", evidence)
    found = _samples(evidence, "v2v")
    values = [ms for _, ms in found]
    standing = Standing.REPORTED if values else Standing.NOT_MEASURED
    return PromiseVerdict("v2v", "last sound to audible", spread(values), len(values), standing)


def compute_budget(evidence: Evidence) -> PromiseVerdict:
    """Check the graph file's budget from the end of speech."""
    budget = evidence.budget
    if budget is None or budget.start != "speech_end":
        return PromiseVerdict("budget", "the graph has none from speech_end", "-", 0, Standing.NOT_PROMISED)
    return _latency("budget", "compute", budget.limit_ns / MS, "speech_end to first_audio", evidence)


def generation(evidence: Evidence) -> PromiseVerdict:
    found = [(_name(r), r.generation_ms) for r in evidence.replies if r.whole and r.generation_ms is not None]
    made = limit("generation", GENERATION_MS, "a whole reply", found)
    if evidence.cuda or made.standing is Standing.NOT_MEASURED:
        return made
    promised = f"{made.promised}, with a CUDA device"
    return PromiseVerdict(made.name, promised, made.measured, made.n, Standing.NOT_PROMISED)


def errors(evidence: Evidence) -> PromiseVerdict:
    failed = [
        f"{_name(reply)}: stop_reason error"
        for reply in evidence.replies
        if any(end.stop_reason == "error" for end in reply.ends)
    ]
    found = [*evidence.errors, *failed]
    n = len(evidence.asked) or len(found)
    return verdict("errors", "none", f"{len(found)} in {len(evidence.asked)} turns", n, found)


PROMISES: tuple[Callable[[Evidence], PromiseVerdict], ...] = (
    answered,
    streaming,
    types,
    length,
    fixed_length,
    sentences,
    first_word,
    word_to_audio,
    interruption,
    end_to_end,
    compute_budget,
    voice_to_voice,
    generation,
    errors,
)


def _samples(evidence: Evidence, name: str) -> list[tuple[str, float]]:
    return [(_name(r), ms) for r in evidence.replies if (ms := r.latency_ms.get(name)) is not None]


def _latency(name: str, latency: str, limit_ms: float, about: str, evidence: Evidence) -> PromiseVerdict:
    return limit(name, limit_ms, about, _samples(evidence, latency))


def _name(reply: HeardReply) -> str:
    return f"turn {reply.turn} ({reply.said!r})" if reply.said else f"turn {reply.turn}"


def _range(values: Sequence[int]) -> str:
    if not values:
        return "-"
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}-{high}"
