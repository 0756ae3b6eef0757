"""The evidence of a run: the replies word by word, the interruptions, the errors. Plain data."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vflow.bench.microphone import SpokenStep
from vflow.bus import Message
from vflow.caps import Text
from vflow.event import TurnEnd
from vflow.graph.graph import Budget, Graph
from vflow.packet import MS, SECOND
from vflow.report.turn import LATENCIES, TurnRecord
from vflow.scripts import join_words

OVER_NS = 300 * MS
"""If a reply was silent for this long before a flush, it was over or in a pause: it stopped by itself."""
IGNORED_NS = SECOND
"""A reply that goes on for longer than this under the user's voice, without a flush, ignores it."""
WATCHDOG = ("stalls", "deadlock:")
"""The beginnings of the watchdog's warnings about a running node."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word packet as it came; `tokens` is its `meta["tokens"]`, the tokens generated so far."""

    turn: int
    text: Any
    index: int
    made_ns: int
    tokens: Any = None


@dataclass(frozen=True, slots=True)
class HeardEnd:
    """A turn_end as it came; `tokens` and `stop_reason` are from its `meta`, None if missing there."""

    turn: int
    made_ns: int
    tokens: Any = None
    stop_reason: Any = None


@dataclass(frozen=True, slots=True)
class HeardReply:
    """The reply to one turn; `said` is the question, `fixed` whether that is a fixed prompt.

    `asked_ns` is when work on it began; None for words of a turn that nobody asked. `latency_ms` has the
    names of `report.turn.LATENCIES`.
    """

    turn: int
    said: str = ""
    fixed: bool = False
    words: tuple[HeardWord, ...] = ()
    ends: tuple[HeardEnd, ...] = ()
    asked_ns: int | None = 0
    interrupted: bool = False
    latency_ms: Mapping[str, float | None] = field(default_factory=dict)
    generation_ms: float | None = None

    @property
    def whole(self) -> bool:
        """Whether it was generated to its end, even if not all of it was heard."""
        return any(end.stop_reason in ("eos", "limit") for end in self.ends)

    @property
    def text(self) -> str:
        return join_words(str(word.text) for word in self.words)

    @property
    def tokens(self) -> int | None:
        """How many tokens a whole reply has; None if nobody counted them."""
        found = [end.tokens for end in self.ends if isinstance(end.tokens, int)]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Interruption:
    """A voice that fell into a reply, in ms: from the voice's onset to the flush, from the flush to the
    reply's last audible sample, from the onset to that sample. All are None if the reply went on, ignoring
    the voice."""

    turn: int
    detect_ms: float | None = None
    stop_ms: float | None = None
    talk_over_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """An utterance, and the turn that it became; None if it was not heard as one turn."""

    said: str
    turn: int | None
    audible: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of a run's evidence. `cuda`: the machine has a CUDA device. `false_cuts` counts utterances that
    were taken as over while the user spoke, `false_barge_ins` replies that were flushed while nobody
    spoke."""

    asked: tuple[Asked, ...] = ()
    replies: tuple[HeardReply, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    errors: tuple[str, ...] = ()
    budget: Budget | None = None
    cuda: bool = False
    false_cuts: int = 0
    false_barge_ins: int = 0


class Ledger:
    """Keeps words, ends and errors. Give `listen` to `bus.listen`; any thread. Read it at the end."""

    def __init__(self, graph: Graph) -> None:
        self._graph, self._generators = graph, graph.generators()
        self._lock = threading.Lock()  # guards all below
        self.words: list[HeardWord] = []
        self.ends: list[HeardEnd] = []
        self.errors: list[str] = []

    def listen(self, message: Message) -> None:
        """Take a message of the bus."""
        made_ns = message.data.get("made_ns", message.at_ns)
        with self._lock:
            if message.kind == "error":
                self.errors.append(f"{message.source}: {message.text}")
            elif message.kind == "warning":
                if "error" in message.data or message.text.startswith(WATCHDOG):
                    self.errors.append(f"{message.source}: {message.text.partition(chr(10))[0]}")
            elif message.source not in self._generators:
                return
            elif message.kind == "packet":
                caps = self._graph.nodes[message.source].caps.get(message.data["port"])
                if isinstance(caps, Text) and caps.kind == "word":
                    packet = message.data["packet"]
                    tokens = packet.meta.get("tokens")
                    self.words.append(HeardWord(packet.turn, packet.text, packet.index, made_ns, tokens))
            elif message.kind == "event" and isinstance(event := message.data["event"], TurnEnd):
                meta = event.meta
                self.ends.append(HeardEnd(event.turn, made_ns, meta.get("tokens"), meta.get("stop_reason")))


def gather(
    utterances: Sequence[SpokenStep], turns: Sequence[TurnRecord], ledger: Ledger, graph: Graph, cuda: bool
) -> Evidence:
    """Combine what was said, the turns (with times from the recordings) and the words.

    An utterance that was not settled because the run was ended does not count, nor does its turn.
    """
    settled = [utterance for utterance in utterances if utterance.settled]
    since_ns = next((u.at_ns for u in utterances if not u.settled), None)
    heard = [turn for turn in turns if "decided" in turn.at_ns]
    if since_ns is not None:
        heard = [turn for turn in heard if turn.at_ns["decided"] < since_ns]
    of = {id(utterance): _turn_of(utterance, heard) for utterance in settled}
    said = {turn.number: utterance for utterance in settled if (turn := of[id(utterance)]) is not None}
    replies = [_reply(turn, said.get(turn.number), ledger) for turn in heard]
    if since_ns is None:
        replies += _strays(ledger, {turn.number for turn in heard})
    asked = [
        Asked(u.step.clip.said, turn.number, "audible" in turn.at_ns)
        if (turn := of[id(u)]) is not None
        else Asked(u.step.clip.said, None)
        for u in settled
    ]
    return Evidence(
        tuple(asked),
        tuple(replies),
        tuple(_interruptions(utterances, heard)),
        tuple(ledger.errors),
        graph.budget,
        cuda,
        sum(any(u.on_ns <= turn.at_ns["decided"] < u.off_ns for turn in heard) for u in settled),
        sum(_unprovoked(turn, utterances) for turn in heard),
    )


def _turn_of(utterance: SpokenStep, turns: Sequence[TurnRecord]) -> TurnRecord | None:
    """Return the turn that contains the end of an utterance."""
    for turn in turns:
        if turn.at_ns.get("speech_start", 0) <= utterance.off_ns <= turn.at_ns["decided"]:
            return turn
    return None


def _reply(turn: TurnRecord, asked: SpokenStep | None, ledger: Ledger) -> HeardReply:
    ends = tuple(end for end in ledger.ends if end.turn == turn.number)
    asked_ns = turn.at_ns["decided"]
    if ends and turn.generated_ns is not None:
        asked_ns = ends[-1].made_ns - turn.generated_ns
    return HeardReply(
        turn.number,
        asked.step.clip.said if asked else "",
        asked.step.clip.fixed if asked else False,
        tuple(word for word in ledger.words if word.turn == turn.number),
        ends,
        asked_ns,
        turn.interrupted,
        {name: _ms(turn.latency_ns(name)) for name in LATENCIES},
        _ms(turn.generated_ns),
    )


def _strays(ledger: Ledger, known: set[int]) -> list[HeardReply]:
    """Return the words that belong to no decided turn."""
    turns = sorted({word.turn for word in ledger.words} - known)
    return [
        HeardReply(turn, words=tuple(w for w in ledger.words if w.turn == turn), asked_ns=None)
        for turn in turns
    ]


def _interruptions(utterances: Sequence[SpokenStep], turns: Sequence[TurnRecord]) -> list[Interruption]:
    found = []
    for utterance in utterances:
        for turn in turns:
            audible, silent = turn.at_ns.get("audible"), turn.at_ns.get("silent")
            if audible is None or silent is None or not audible < utterance.on_ns < silent:
                continue
            flushed = turn.at_ns.get("flushed")
            if flushed is None or flushed < utterance.on_ns:
                if silent - utterance.on_ns > IGNORED_NS:
                    found.append(Interruption(turn.number))
            elif silent > flushed - OVER_NS:
                found.append(
                    Interruption(
                        turn.number,
                        _ms(flushed - utterance.on_ns),
                        _ms(max(0, silent - flushed)),
                        _ms(silent - utterance.on_ns),
                    )
                )
    return found


def _unprovoked(turn: TurnRecord, utterances: Sequence[SpokenStep]) -> bool:
    flushed = turn.at_ns.get("flushed")
    if flushed is None:
        return False
    return not any(u.on_ns <= flushed <= u.off_ns + SECOND // 2 for u in utterances)


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / MS, 1)
