"""What happened in each turn, and when: a listener on the bus, and the report made of it.

`at_ms` is pipeline time. `voice_off`, `audible` and `silent` are found in the recorded input and output
where there are recordings (`refine`); live they are the detector's and the sink's word.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from vflow.bus import Message
from vflow.caps import Text
from vflow.event import Resume, SpeechEnd, SpeechStart, TurnEnd
from vflow.flush import Flush
from vflow.graph.graph import Graph
from vflow.report.recordings import audible_ns, read_stretch, voice_off_ns
from vflow.report.turn import TurnRecord, in_ms
from vflow.runtime.link import LinkStats


class TurnLog:
    """Give `listen` to `bus.listen`. Any thread; reads are for when the pipeline has ended."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.turns: dict[int, TurnRecord] = {}
        self.states: list[tuple[int, str]] = [(0, "idle")]
        self.warnings: list[str] = list(graph.warnings)
        self.stats: dict[str, dict[str, Any]] = {}
        """What nodes counted, by the node's name, as they told it when they closed."""
        self._lock = threading.Lock()  # guards all of the above

    def snapshot(self) -> list[TurnRecord]:
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

    def _turn(self, number: int) -> TurnRecord:
        return self.turns.setdefault(number, TurnRecord(number))

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
            if asked_ns is not None and turn.generated_ns is None:  # a mixer says it again, in its place
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
        for turn in self.turns.values():
            start, decided = turn.at_ns.get("speech_start"), turn.at_ns.get("decided")
            if recorded_input is not None and start is not None and decided is not None:
                found = voice_off_ns(*read_stretch(recorded_input, start, decided))
                if found is not None:
                    turn.at_ns["voice_off"] = start + found
            if recorded_output is not None and "audible" in turn.at_ns:
                begin, end = turn.at_ns["audible"], self._reply_end_ns(turn)
                span = audible_ns(*read_stretch(recorded_output, begin, end))
                for moment in ("audible", "silent"):
                    turn.at_ns.pop(moment, None)
                if span is not None:
                    turn.at_ns["audible"], turn.at_ns["silent"] = begin + span[0], begin + span[1]
            turn.measured = None not in (recorded_input, recorded_output)

    def _reply_end_ns(self, turn: TurnRecord) -> int | None:
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
            "states": [[in_ms(at_ns), state] for at_ns, state in sorted(self.states, key=lambda s: s[0])],
            "warnings": self.warnings,
            "stats": self.stats,
        }
