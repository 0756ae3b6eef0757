"""What happened in each turn, and when: a listener on the bus, and the report made of it.

`at_ms` is pipeline time. `voice_off`, `audible` and `silent` are found in the recorded input and output
where there are recordings (`refine`); live they are the detector's and the sink's word.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from vflow.bus import Message
from vflow.caps import Text
from vflow.event import Resume, SpeechEnd, SpeechStart, TurnEnd
from vflow.flush import Flush
from vflow.graph import Graph
from vflow.link import LinkStats
from vflow.packet import MS, SECOND

MOMENTS = (
    "speech_start", "voice_off", "decided", "first_word", "audible", "flushed", "silent", "reply_end",
)  # fmt: skip
LATENCIES: Mapping[str, tuple[str, str]] = {
    "endpoint": ("voice_off", "decided"),
    "first_word": ("decided", "first_word"),
    "compute": ("decided", "audible"),
    "v2v": ("voice_off", "audible"),
    "word_to_audio": ("first_word", "audible"),
    "stop": ("flushed", "silent"),
}


@dataclass(slots=True)
class Speculated:
    """How a turn was answered in advance. `attempts` counts the pauses that were, `wasted_words` what was
    made at those after which the user spoke on; times in ns."""

    result: Literal["none", "hit", "miss"] = "none"
    attempts: int = 0
    wasted_words: int = 0
    begun_ns: int | None = None
    """The pause that is being answered."""
    ahead_ns: int | None = None
    """From that pause to the decision: the head start of a hit."""
    first_word_ns: int | None = None
    """From that pause to the first word: what it takes, without the head start."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "result": self.result,
            "attempts": self.attempts,
            "wasted_words": self.wasted_words,
            "ahead_ms": _ms(self.ahead_ns),
            "first_word_ms": _ms(self.first_word_ns),
        }


@dataclass(slots=True)
class Turn:
    """One user utterance and the reply to it; moments in ns of pipeline time."""

    number: int
    user: str | None = None
    words: list[str] = field(default_factory=list)
    heard: str = ""
    tokens: int = 0
    stop_reason: str | None = None
    interrupted: bool = False
    speculation: Speculated = field(default_factory=Speculated)
    generated_ns: int | None = None
    measured: bool = False
    """Whether its moments were found in recordings."""
    at_ns: dict[str, int] = field(default_factory=dict)

    @property
    def reply(self) -> str:
        return " ".join(self.words)

    @property
    def ended(self) -> bool:
        """Whether nothing more can come of its reply."""
        return "reply_end" in self.at_ns or "flushed" in self.at_ns or self.empty

    @property
    def empty(self) -> bool:
        """Whether the generator answered with nothing."""
        return self.stop_reason is not None and not self.words

    def latency_ns(self, name: str) -> int | None:
        """A latency by its name in LATENCIES; None where one of its ends did not happen."""
        start, end = (self.at_ns.get(moment) for moment in LATENCIES[name])
        if start is None or end is None:
            return None
        return max(0, end - start) if name == "stop" else end - start  # silent already when the flush came

    def as_dict(self) -> dict[str, Any]:
        """The turn as the report has it."""
        return {
            "turn": self.number,
            "user": self.user,
            "reply": self.reply,
            "heard": self.heard,
            "words": len(self.words),
            "tokens": self.tokens,
            "stop_reason": self.stop_reason,
            "interrupted": self.interrupted,
            "speculation": self.speculation.as_dict(),
            "generation_ms": _ms(self.generated_ns),
            "at_ms": {moment: _ms(self.at_ns.get(moment)) for moment in MOMENTS},
            "latency_ms": {name: _ms(self.latency_ns(name)) for name in LATENCIES},
        }


class TurnLog:
    """Give `listen` to `bus.listen`. Any thread; reads are for when the pipeline has ended."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.turns: dict[int, Turn] = {}
        self.states: list[tuple[int, str]] = [(0, "idle")]
        self.warnings: list[str] = list(graph.warnings)
        self.stats: dict[str, dict[str, Any]] = {}
        """What nodes counted, by the node's name, as they told it when they closed."""
        self._lock = threading.Lock()  # guards all of the above

    def snapshot(self) -> list[Turn]:
        """Copies of the turns so far, by number; any thread, while the pipeline runs too."""
        with self._lock:
            return [
                replace(
                    turn,
                    words=list(turn.words),
                    at_ns=dict(turn.at_ns),
                    speculation=replace(turn.speculation),
                )
                for _, turn in sorted(self.turns.items())
            ]

    def listen(self, message: Message) -> None:
        """Take a message of the bus."""
        with self._lock:
            if message.kind == "event":
                self._event(message)
            elif message.kind == "packet":
                self._packet(message)
            elif message.kind == "flush":
                self._flush(message.data["flush"], message.at_ns)
            elif message.kind == "played":
                self._played(message)
            elif message.kind == "speculation":
                self._speculation(message)
            elif message.kind == "warning":
                self.warnings.append(f"{message.source}: {message.text}")
            elif message.kind == "stats":
                self.stats[message.source] = dict(message.data)

    def _turn(self, number: int) -> Turn:
        return self.turns.setdefault(number, Turn(number))

    def _state(self, at_ns: int, state: str) -> None:
        if self.states[-1][1] != state:
            self.states.append((at_ns, state))

    def _event(self, message: Message) -> None:
        event, at_ns = message.data["event"], message.at_ns
        if isinstance(event, SpeechStart):
            self._turn(event.turn).at_ns["speech_start"] = max(0, event.pts_ns)
            self._state(at_ns, "listening")
        elif isinstance(event, Resume):
            self._state(at_ns, "listening")
        elif isinstance(event, SpeechEnd):
            turn = self._turn(event.turn)
            turn.at_ns["decided"] = at_ns
            if "voice_off_ns" in event.meta:
                turn.at_ns["voice_off"] = event.meta["voice_off_ns"]
            self._state(at_ns, "processing")
        elif isinstance(event, TurnEnd):
            turn = self._turn(event.turn)
            turn.tokens = int(event.meta.get("tokens", 0))
            turn.stop_reason = str(event.meta.get("stop_reason", "eos"))
            asked_ns = turn.speculation.begun_ns or turn.at_ns.get("decided")
            if asked_ns is not None:
                turn.generated_ns = message.data.get("made_ns", at_ns) - asked_ns
            if turn.empty:
                self._state(at_ns, "idle")

    def _packet(self, message: Message) -> None:
        packet = message.data["packet"]
        caps = self.graph.nodes[message.source].caps.get(message.data["port"])
        if not isinstance(caps, Text) or not packet.turn:
            return
        turn = self._turn(packet.turn)
        if caps.kind == "word":
            if not turn.words and turn.speculation.begun_ns is not None:
                made_ns = message.data.get("made_ns", message.at_ns)
                turn.speculation.first_word_ns = made_ns - turn.speculation.begun_ns
            turn.at_ns.setdefault("first_word", message.at_ns)
            turn.words.append(packet.text)
            turn.tokens = packet.meta.get("tokens", turn.tokens)
        elif caps.kind == "final":
            turn.user = packet.text

    def _speculation(self, message: Message) -> None:
        ahead, phase = self._turn(message.data["turn"]).speculation, message.data["phase"]
        if phase == "begun":
            ahead.attempts += 1
            ahead.begun_ns = message.at_ns
        elif phase == "retracted":
            ahead.result, ahead.begun_ns = "miss", None
            ahead.wasted_words += sum(map(self._is_word, message.data["withheld"]))
        elif not message.data["made"]:
            ahead.result, ahead.begun_ns = "miss", None
        elif ahead.begun_ns is not None:
            ahead.result, ahead.ahead_ns = "hit", message.at_ns - ahead.begun_ns

    def _is_word(self, message: Message) -> bool:
        caps = self.graph.nodes[message.source].caps.get(message.data["port"])
        return message.kind == "packet" and isinstance(caps, Text) and caps.kind == "word"

    def _flush(self, flush: Flush, at_ns: int) -> None:
        for number, turn in self.turns.items():
            if number > flush.turn or turn.ended or "decided" not in turn.at_ns:
                continue
            turn.interrupted = True
            turn.at_ns["flushed"] = at_ns
            turn.heard = flush.heard(number)
            turn.stop_reason = turn.stop_reason or "flush"
            self._state(at_ns, "interrupted")

    def _played(self, message: Message) -> None:
        played, at_ns = message.data["played"], message.data["at_ns"]
        if not played.turn:
            return
        turn = self._turn(played.turn)
        if message.data["phase"] == "start":
            turn.at_ns.setdefault("audible", at_ns)
            self._state(at_ns, "speaking")
        elif message.data["phase"] == "end":
            turn.heard = played.heard
            turn.at_ns["silent"] = turn.at_ns["reply_end"] = at_ns
            self._state(at_ns, "idle")

    def refine(self, recorded_input: Path | None, recorded_output: Path | None) -> None:
        """Replace what was claimed by what the recordings hold. The input starts at pipeline time 0."""
        from vflow.measure import audible_ns, voice_off_ns  # numpy and libsndfile, for recordings only

        for turn in self.turns.values():
            start, decided = turn.at_ns.get("speech_start"), turn.at_ns.get("decided")
            if recorded_input is not None and start is not None and decided is not None:
                found = voice_off_ns(*_read(recorded_input, start, decided))
                if found is not None:
                    turn.at_ns["voice_off"] = start + found
            if recorded_output is not None and "audible" in turn.at_ns:
                begin, end = turn.at_ns["audible"], self._reply_end_ns(turn)
                span = audible_ns(*_read(recorded_output, begin, end))
                for moment in ("audible", "silent"):
                    turn.at_ns.pop(moment, None)
                if span is not None:
                    turn.at_ns["audible"], turn.at_ns["silent"] = begin + span[0], begin + span[1]
            turn.measured = None not in (recorded_input, recorded_output)

    def _reply_end_ns(self, turn: Turn) -> int | None:
        """Up to where a recording may hold this reply: its end, or the next reply's start."""
        starts = [t.at_ns["audible"] for t in self.turns.values() if "audible" in t.at_ns]
        later = [at for at in starts if at > turn.at_ns["audible"]]
        ends = [turn.at_ns["reply_end"]] if "reply_end" in turn.at_ns else []
        return min([*later, *ends], default=None)

    def report(self, links: list[LinkStats]) -> dict[str, Any]:
        """The run as `--report` writes it; `links` are the pipeline's LinkStats."""
        fields = ("name", "pushed", "dropped", "stale", "high_water", "max_wait_ms")
        return {
            "pipeline": self.graph.file,
            "resolved": self.graph.resolved(),
            "turns": [self.turns[number].as_dict() for number in sorted(self.turns)],
            "links": [{name: getattr(link, name) for name in fields} for link in links],
            "states": [[_ms(at_ns), state] for at_ns, state in sorted(self.states, key=lambda s: s[0])],
            "warnings": self.warnings,
            "stats": self.stats,
        }


def sentence(turn: Turn) -> str:
    """A turn's figures in words, as the log line of a run; `~` marks what no recording has confirmed."""
    texts = {
        "endpoint": "end of speech seen after",
        "first_word": "first word after",
        "compute": "first sound after",
        "v2v": "from your last sound to the reply's first",
        "stop": "silent after an interruption in",
    }
    found = {name: latency for name in texts if (latency := turn.latency_ns(name)) is not None}
    said = [
        f"{texts[name]} {'' if turn.measured or name == 'first_word' else '~'}{ns / MS:.0f} ms"
        for name, ns in found.items()
    ]
    if turn.interrupted:
        said.append(
            f'interrupted, heard: "{turn.heard}"' if turn.heard else "interrupted before it was heard"
        )
    elif not turn.heard:
        said.append("nothing was played")
    if turn.speculation.result == "hit":
        said.append("prepared in the pause")
    return f"turn {turn.number}: {', '.join(said) or 'played'}"


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / MS, 1)


def _read(path: Path, start_ns: int, end_ns: int | None) -> tuple[Any, int]:
    """Samples of a stretch of a recording, mixed to `(n,) float32`, and its rate."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        rate = int(file.samplerate)
        first = min(start_ns * rate // SECOND, file.frames)
        last = file.frames if end_ns is None else min(-(-end_ns * rate // SECOND), file.frames)
        file.seek(first)
        return file.read(max(0, last - first), dtype="float32", always_2d=True).mean(axis=1), rate
