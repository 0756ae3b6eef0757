"""The log of turns, what happened in each and when: a listener on the bus, and the report made of it.

`at_ms` is pipeline time. If there are recordings, `voice_off`, `audible` and `silent` are found in them
(`refine`); live, they come from the detector and the sink. If nothing plays, the written reply counts as
heard.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Any

from vflow.bus import Message
from vflow.caps import Text
from vflow.event import Resume, SpeechEnd, SpeechStart, SpeechVoid, TurnEnd
from vflow.graph.graph import Graph
from vflow.node import Sink
from vflow.report.ended_turns import EndedTurns
from vflow.report.error_log import ErrorLog
from vflow.report.json_values import count_of, plain, text_of, whole
from vflow.report.recordings import refine
from vflow.report.states import States
from vflow.report.turn import WITHHELD, TurnRecord, in_ms
from vflow.runtime.link import LinkStats

KEPT_TURNS = 20_000
"""Most turns in the report: more than two days of talk. Each later turn drops the oldest one."""
KEPT_STATES = 5 * KEPT_TURNS
KEPT_WARNINGS = 1_000
"""Most different warnings; one that comes again is counted."""
_TAKEN = ("event", "packet", "flush", "played", "hold", "speculation")
_RECENT = 100
"""How many of the last turns, and of the last flushes, are searched for the newest."""


class TurnLog:
    """Give `listen` to `bus.listen`. Any thread may call it. Read the log after the pipeline has ended,
    except where a method says otherwise. A message costs the same however many turns there were."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._plays = any(issubclass(node.cls, Sink) for node in graph.nodes.values())
        self.turns: dict[int, TurnRecord] = {}
        self.states = States(KEPT_STATES)
        self.stats: dict[str, dict[str, Any]] = {}
        """The counts that each node posted last, by its name."""
        self.losses: list[str] = []
        """Warnings about values that nodes posted and that the report cannot hold unchanged."""
        self.backchannels = 0
        """How many utterances over a reply were no turns."""
        self.left_out = {"turns": 0, "states": 0, "warnings": 0}
        """How many of each were dropped for lack of room."""
        self._errors = ErrorLog(graph.secrets.hide)
        self._warnings: Counter[str] = Counter(graph.warnings)
        self._ended = EndedTurns(KEPT_TURNS)
        self._cancelled = 0  # all turns up to this one are cancelled
        self._interruptions: deque[int] = deque(maxlen=_RECENT)
        self._lock = threading.Lock()  # guards all of the above
        self._takes: dict[str, Callable[[Message], None]] = {k: getattr(self, f"_{k}") for k in _TAKEN}

    @property
    def warnings(self) -> list[str]:
        """Warnings of the graph and of nodes, each once, with how often it came."""
        return [text if n == 1 else f"{text} ({n} times)" for text, n in self._warnings.items()]

    def snapshot(self) -> list[TurnRecord]:
        """Return copies of the turns so far, by number; any thread, at any time."""
        with self._lock:
            return [turn.copy() for _, turn in sorted(self.turns.items())]

    def newest(self) -> TurnRecord | None:
        """Return a copy of the turn with the highest number, None before the first; any thread, any time."""
        with self._lock:
            number = max(islice(reversed(self.turns), _RECENT), default=None)
            return None if number is None else self.turns[number].copy()

    def new_reader(self) -> int:
        """Return the number of a reader more of `take_ended`; any thread, at any time."""
        with self._lock:
            return self._ended.new_reader()

    def take_ended(self, reader: int = 0) -> list[TurnRecord]:
        """Return copies of the turns that ended since this reader's last call; any thread, at any time."""
        with self._lock:
            return [self.turns[n].copy() for n in self._ended.take(reader) if n in self.turns]

    def unfinished(self) -> list[TurnRecord]:
        """Return copies of the turns that were to be answered, and have not ended; any thread, any time."""
        with self._lock:
            return [self.turns[n].copy() for n in sorted(self._ended.open) if n in self.turns]

    def has_ended(self, number: int) -> bool:
        """Return whether a turn is over and nothing more comes of it; any thread, at any time."""
        with self._lock:
            return number in self.turns and self.turns[number].ended

    def interrupted_at(self, at_ns: int) -> bool:
        """Return whether a flush at this time, among the last ones, cut a reply; any thread, at any time."""
        with self._lock:
            return at_ns in self._interruptions

    def listen(self, message: Message) -> None:
        """Take a message of the bus."""
        if message.kind == "stats":  # outside the lock: it may be long, and runs the node's own classes
            stats, losses = plain(message.data, hide=self.graph.secrets.hide)
        elif message.kind in ("error", "warning"):
            self._errors.take(message)
        with self._lock:
            if message.kind == "warning":
                self._warning(f"{message.source}: {text_of(message.text)}")
            elif message.kind == "stats":
                self.stats[message.source] = stats
                self._lost(message.source, losses)
            elif message.kind in self._takes:
                try:
                    self._takes[message.kind](message)
                except Exception as error:  # a node may have posted anything
                    self._lost(message.source, [f"what is no {message.kind} ({type(error).__name__})"])

    def _lost(self, node: str, losses: list[str]) -> None:
        for loss in losses:
            text = f"{node}: what it posted for the report holds {loss}"
            if text in self.losses:
                continue
            if len(self.losses) < KEPT_WARNINGS:
                self.losses.append(text)
            self._warning(text)

    def _count(self, meta: Mapping[str, Any], name: str, before: int, node: str) -> int:
        """Return a whole number from a message's meta; `before` if there is none."""
        try:
            return count_of(meta.get(name, before))
        except Exception as error:  # a node may have posted anything
            self._lost(node, [f"{name} that are no whole number ({type(error).__name__})"])
            return before

    def _turn(self, number: int) -> TurnRecord:
        number = whole(number)
        if number not in self.turns:
            self.turns[number] = TurnRecord(number)
            while len(self.turns) > KEPT_TURNS:
                oldest = next(iter(self.turns))
                del self.turns[oldest]
                self._ended.open.pop(oldest, None)
                self.left_out["turns"] += 1
        return self.turns[number]

    def _decided(self, turn: TurnRecord, at_ns: int) -> None:
        """Note that the user has finished. If the turn was cancelled meanwhile, nobody answers it."""
        turn.at_ns["decided"] = at_ns
        self._state(at_ns, "processing")
        if turn.number <= self._cancelled and not turn.ended:
            self._cut(turn, at_ns, "")

    def _warning(self, text: str) -> None:
        if text in self._warnings or len(self._warnings) < KEPT_WARNINGS:
            self._warnings[text] += 1
        else:
            self.left_out["warnings"] += 1

    def _state(self, at_ns: int, state: str) -> None:
        if self.states.newest != state:
            self.left_out["states"] += self.states.append(at_ns, state)

    def _event(self, message: Message) -> None:
        event, at_ns = message.data["event"], message.at_ns
        if isinstance(event, SpeechStart):
            self._turn(event.turn).at_ns["speech_start"] = max(0, whole(event.pts_ns))
            self._state(at_ns, "listening")
        elif isinstance(event, Resume):
            self._state(at_ns, "listening")
        elif isinstance(event, SpeechVoid):
            self.turns.pop(event.turn, None)
            self.backchannels += 1
            self._state(at_ns, "speaking")
        elif isinstance(event, SpeechEnd):
            turn = self._turn(event.turn)
            had_ended = turn.ended
            self._decided(turn, at_ns)
            if "voice_off_ns" in event.meta and not self.graph.free_running:
                off_ns = self._count(event.meta, "voice_off_ns", at_ns, message.source)
                turn.at_ns["voice_off"] = off_ns
            self._ended.settle(turn, had_ended or turn.interrupted)
        elif isinstance(event, TurnEnd):
            turn = self._turn(event.turn)
            had_ended = turn.ended
            turn.tokens = 0
            turn.stop_reason = self.graph.secrets.hide(text_of(event.meta.get("stop_reason", "eos")))
            turn.take_counts(lambda name, n: self._count(event.meta, name, n, message.source))
            counts = {name: self._count(event.meta, name, 0, message.source) for name in WITHHELD}
            turn.withheld = {name: count for name, count in counts.items() if count}
            asked_ns = turn.speculation.begun_ns or turn.at_ns.get("decided")
            if asked_ns is not None and turn.generated_ns is None:  # a mixer repeats the event later
                turn.generated_ns = message.data.get("made_ns", at_ns) - asked_ns
            if not self._plays:  # nothing plays: the written reply is the one received
                turn.heard, turn.at_ns["reply_end"] = turn.reply, at_ns
            self._ended.settle(turn, had_ended)
            if turn.ended:
                self._state(at_ns, "idle")

    def _packet(self, message: Message) -> None:
        packet = message.data["packet"]
        caps = self.graph.nodes[message.source].caps.get(message.data["port"])
        if not isinstance(caps, Text) or not packet.turn:
            return
        turn = self._turn(packet.turn)
        had_ended = turn.ended
        if caps.kind == "word":
            if not turn.words and turn.speculation.begun_ns is not None:
                made_ns = message.data.get("made_ns", message.at_ns)
                turn.speculation.first_word_ns = made_ns - turn.speculation.begun_ns
            turn.at_ns.setdefault("first_word", message.at_ns)
            turn.answered_by = turn.answered_by or message.source
            turn.words.append(intern(text_of(packet.text)))  # one object however many turns have the word
            turn.take_counts(lambda name, n: self._count(packet.meta, name, n, message.source))
        elif caps.kind == "final":
            turn.user = text_of(packet.text)
            if not turn.at_ns:  # typed: there was no speech before
                self._decided(turn, message.at_ns)
            turn.at_ns["transcript"] = message.at_ns
        self._ended.settle(turn, had_ended or turn.interrupted)

    def _speculation(self, message: Message) -> None:
        data, ahead = message.data, self._turn(message.data["turn"]).speculation
        wasted = sum(map(self._is_word, data.get("withheld", ())))
        ahead.take(data["phase"], message.at_ns, data.get("made", False), wasted)

    def _hold(self, message: Message) -> None:
        if (number := next(iter(self._ended.open), None)) is not None:  # the turn whose reply plays, or will
            self.turns[number].take_hold(message.data["phase"], whole(message.data["held_ns"]))

    def _is_word(self, message: Message) -> bool:
        caps = self.graph.nodes[message.source].caps.get(message.data["port"])
        return message.kind == "packet" and isinstance(caps, Text) and caps.kind == "word"

    def _flush(self, message: Message) -> None:
        flush, at_ns = message.data["flush"], message.at_ns
        self._cancelled = max(self._cancelled, flush.turn)
        for number in sorted(number for number in self._ended.open if number <= flush.turn):
            turn = self.turns[number]
            turn.taken_back = flush.unheard(number)
            self._cut(turn, at_ns, flush.sounded(number) if self._plays else turn.reply)
            self._interruptions.append(at_ns)
        for number in self.turns.keys() & {played.turn for played in flush.played}:  # also one that has ended
            self.turns[number].taken_back |= flush.unheard(number)

    def _cut(self, turn: TurnRecord, at_ns: int, heard: str) -> None:
        turn.interrupted, turn.heard, turn.at_ns["flushed"] = True, heard, at_ns
        turn.stop_reason = turn.stop_reason or "flush"
        self._ended.settle(turn, had_ended=False)
        self._state(at_ns, "interrupted")

    def _played(self, message: Message) -> None:
        played, at_ns = message.data["played"], whole(message.data.get("at_ns", message.at_ns))
        if not played.turn:
            return
        turn = self._turn(played.turn)
        had_ended = turn.ended
        if message.data["phase"] == "start":
            turn.at_ns.setdefault("voiced", min(message.at_ns, at_ns))
            turn.at_ns.setdefault("audible", at_ns)
            self._state(at_ns, "speaking")
        elif message.data["phase"] == "end":
            turn.heard = text_of(played.heard)
            turn.at_ns["silent"] = turn.at_ns["reply_end"] = at_ns
            self._ended.settle(turn, had_ended)
            self._state(at_ns, "idle")
        elif message.data["phase"] == "late":
            turn.heard = played.heard

    def refine(self, recorded_input: Path | None, recorded_output: Path | None) -> None:
        """Replace the runtime's times by those in the recordings. The input starts at pipeline time 0."""
        refine(self.turns.values(), recorded_input, recorded_output)

    def report(self, links: list[LinkStats]) -> dict[str, Any]:
        """Return the run as `--report` writes it; `links` are the pipeline's LinkStats."""
        fields = ("name", "pushed", "dropped", "stale", "high_water", "max_wait_ms", "dropped_ms")
        left_out = {name: count for name, count in self.left_out.items() if count}
        counts = {"backchannels": self.backchannels, "left_out": left_out}
        with self._lock:  # nodes that were abandoned may still post
            report = {
                "pipeline": self.graph.file,
                "resolved": self.graph.resolved(),
                "turns": [self.turns[number].as_dict() for number in sorted(self.turns)],
                "links": [{name: getattr(link, name) for name in fields} for link in links],
                "states": [[in_ms(at_ns), state] for at_ns, state in sorted(self.states, key=lambda s: s[0])],
                "warnings": self.warnings,
                "errors": self._errors.as_list(),
                "stats": dict(self.stats),
                **{name: count for name, count in counts.items() if count},
            }
        return dict(plain(report, max_values=None, max_depth=100)[0])
