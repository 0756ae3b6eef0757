"""A run as the terminal shows it: loading, who says what as it is said, and the latencies at the end.

The transcript goes to stdout, the rest to stderr. Everything comes from the bus.
"""

from __future__ import annotations

import statistics
import sys
import threading

from vflow.bus import Bus, Message
from vflow.caps import Text
from vflow.cli.diagnostics import of_error
from vflow.cli.status_line import StatusLine
from vflow.errors import NodeError, VflowError
from vflow.event import TurnEnd
from vflow.graph.graph import Graph
from vflow.packet import MS
from vflow.printing import escaped, indented, write
from vflow.report.turn import LATENCIES, TurnRecord
from vflow.report.turn_log import KEPT_TURNS, KEPT_WARNINGS, TurnLog
from vflow.scripts import between

YOU = "you:   "
MEDIAN_NEEDS = 20
"""Samples below which a median says too little: then the largest is shown."""


class Terminal:
    """Prints one run; `follow` has a thread of its own, the other methods may be called beside it."""

    def __init__(self, graph: Graph, log: TurnLog, live: bool, verbose: bool = False) -> None:
        """`live`: tell of each turn as it ends; else all of them with the table, found in the recordings.
        `verbose`: print the tracebacks of what nodes raise."""
        self.graph, self.log, self._live, self._verbose = graph, log, live, verbose
        self.typed = False
        """Whether the user types at this terminal, which shows it by itself."""
        self._lock = threading.Lock()  # guards all below
        self._speaker = ""
        self._word = ""  # the last of the speaker's
        self._broken_off = ""  # whose line a transcript, or a note, has ended
        self._idle = self._prompted = False
        self._status = StatusLine(sys.stderr)
        self._traced: set[str] = set()  # warnings whose traceback was printed
        self._reported: dict[int, object] = {}  # turns that have been told, the newest

    def follow(self, bus: Bus) -> None:
        """Print messages until the bus closes."""
        for message in bus:
            with self._lock:
                try:
                    self._show(message)
                    self._prompt(message)
                except Exception as error:  # whatever a node has posted as one of its kind
                    what = escaped(f"posted what is no {message.kind} ({type(error).__name__})")
                    self._note(f"warning: {message.source}: {what}")

    def resolved(self) -> None:
        """Say which nodes the roles took, and why not better ones; and the graph's warnings."""
        for warning in self.graph.warnings:
            self.note(indented(warning))
        for name, choice in self.graph.roles.items():
            better = [f"\n  not {escaped(text)}" for text in choice.passed_over]
            self.note(f"{name}: {choice.taken}{''.join(better)}")

    def note(self, text: str) -> None:
        """A line on stderr."""
        with self._lock:
            self._note(text)

    def failed(self, error: VflowError) -> None:
        """An error with its place; its traceback too, or how to have it."""
        with self._lock:
            self._note(of_error(error))
            if self._verbose:
                self._traceback(error)
            elif not isinstance(error.__cause__, VflowError | None):  # whose text says what mends it
                self._note("  --verbose prints the traceback")

    def end_line(self) -> None:
        """Finish a line of the transcript that is still open."""
        with self._lock:
            self._status.clear()
            self._close_line()

    def table(self) -> None:
        """Print the turns that have not been told yet, then the latencies of every turn in ms."""
        turns = self.log.snapshot()
        with self._lock:
            self._report(turns)
        rows = [[t.latency_ns(name) for name in LATENCIES] for t in turns]
        if not any(cell is not None for row in rows for cell in row):
            return
        names = [name.replace("_", " ") for name in LATENCIES]
        lines = ["latency, ms  " + "  ".join(names)]
        for turn, row in zip(turns, rows, strict=True):
            lines.append(_row(f"turn {turn.number}", names, row))
        if found := _found(turns, "v2v"):
            lines.append(f"v2v: {_summary([ns / MS for ns in found])} ms")
        lines += self._budget(turns)
        with self._lock:
            for line in lines:
                self._note(line)

    def _budget(self, turns: list[TurnRecord]) -> list[str]:
        budget = self.graph.budget
        if budget is None:
            return []
        found = _found(turns, {"speech_end": "compute", "voice_off": "v2v"}[budget.start])
        if not found:
            return []
        verdict = "kept" if max(found) <= budget.limit_ns else "BROKEN"
        return [
            f"budget: {budget.start} to first_audio at most {budget.limit_ns / MS:.0f} ms: {verdict} "
            f"(max of {len(found)}: {max(found) / MS:.0f} ms)"
        ]

    def _show(self, message: Message) -> None:
        if message.kind == "progress":
            self._progress(message)
        elif message.kind == "packet":
            self._packet(message)
        elif message.kind == "warning":
            self._note(f"warning: {message.source}: {indented(message.text)}")
            error = message.data.get("error")
            known = message.text in self._traced or len(self._traced) >= KEPT_WARNINGS
            if self._verbose and error is not None and not known:
                self._traced.add(message.text)
                self._traceback(error)
        elif message.kind == "state" and message.text == "playing":
            self._note("playing; Ctrl-C ends")
        elif message.kind == "flush" and self.log.interrupted_at(message.at_ns):
            self._close_line(" [interrupted]")
        if self._live and message.kind in ("played", "flush", "event"):
            self._report(self.log.take_ended())

    def _prompt(self, message: Message) -> None:
        """Ask for the next line, once the agent has finished."""
        if message.kind == "packet":
            self._idle = False
        elif message.kind == "played":
            self._idle = message.data["phase"] != "start"
        elif message.kind == "event" and isinstance(message.data["event"], TurnEnd):
            self._idle = self.log.has_ended(message.data["event"].turn)
        elif message.kind == "state":
            self._idle = message.text == "playing"
        if self.typed and self._idle and not self._prompted:
            self._status.clear()
            self._close_line()
            write(YOU, sys.stdout, end="")
            self._prompted = True

    def _progress(self, message: Message) -> None:
        fraction = message.data.get("fraction")
        percent = f" {fraction:.0%}" if fraction is not None and self._status.redraws else ""
        self._status.show(f"{message.source}: {message.text}{percent}", source=message.source)

    def _packet(self, message: Message) -> None:
        caps = self.graph.nodes[message.source].caps.get(message.data["port"])
        if not isinstance(caps, Text):
            return
        self._status.clear()
        if caps.kind == "final" and self.typed:
            self._broken_off, self._speaker, self._prompted = self._speaker, "", False
        elif caps.kind == "final":
            self._broken_off = self._speaker
            self._close_line()
            write(f"{YOU}{escaped(message.text) or '(nothing understood)'}", sys.stdout)
        elif caps.kind == "word":
            speaker = f"agent {message.data['packet'].turn}"
            if self._speaker != speaker:
                self._close_line()
                write("agent: ... " if speaker == self._broken_off else "agent: ", sys.stdout, end="")
                self._speaker, self._word = speaker, ""
            text = message.text if self._word else message.text.lstrip()
            write(between(self._word, text) + escaped(text), sys.stdout, end="")
            self._word = text or self._word

    def _report(self, turns: list[TurnRecord]) -> None:
        for turn in turns:
            if turn.ended and turn.number not in self._reported:
                self._reported[turn.number] = None
                self._note(sentence(turn))
        while len(self._reported) > KEPT_TURNS:
            del self._reported[next(iter(self._reported))]

    def _note(self, text: str) -> None:
        self._status.clear()
        self._broken_off = self._speaker or self._broken_off
        self._close_line()
        write(text, sys.stderr)

    def _traceback(self, error: object) -> None:
        if isinstance(error, NodeError) and (text := error.traceback):
            self._note(f"  {indented(self.graph.secrets.hide(text))}")

    def _close_line(self, text: str = "") -> None:
        if self._speaker or self._prompted:
            write(text, sys.stdout)
            self._speaker, self._prompted = "", False


def sentence(turn: TurnRecord) -> str:
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
        heard = f'interrupted, heard: "{escaped(turn.heard)}"'
        said.append(heard if turn.heard else "interrupted before it was heard")
    elif not turn.heard:
        said.append("nothing was played")
    if turn.taken_back:
        said.append("taken back since you spoke on")
    if turn.held_ns:
        said.append(f"held in vain for {turn.held_ns / MS:.0f} ms")
    if turn.speculation.result == "hit":
        said.append("prepared in the pause")
    if tokens := turn.withheld.get("thought_tokens"):
        said.append(f"a thought of {tokens} tokens left unsaid")
    if calls := turn.withheld.get("tool_calls"):
        said.append(f"{calls} tool call{'s' if calls > 1 else ''} left unsaid")
    if turn.withheld.get("made_up_turns"):
        said.append("cut where the model went on with your turn")
    return f"turn {turn.number}: {', '.join(said) or 'played'}"


def _found(turns: list[TurnRecord], name: str) -> list[int]:
    """A latency of the turns that have it, in ns."""
    return [ns for turn in turns if (ns := turn.latency_ns(name)) is not None]


def _row(title: str, names: list[str], cells: list[int | None]) -> str:
    texts = [
        ("-" if ns is None else f"{ns / MS:.0f}").rjust(len(name))
        for name, ns in zip(names, cells, strict=True)
    ]
    return f"{title:<11}  " + "  ".join(texts)


def _summary(values: list[float]) -> str:
    if len(values) < MEDIAN_NEEDS:
        return f"max of {len(values)}: {max(values):.0f}"
    return f"p50 of {len(values)}: {statistics.median(values):.0f}"
