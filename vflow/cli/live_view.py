"""Show a run on the terminal: loading, who says what as it is said, and how long it took.

The transcript goes to stdout, the rest to stderr. Everything comes from the bus.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from enum import Enum

from vflow.bus import Bus, Message
from vflow.caps import Text
from vflow.cli.diagnostics import of_error
from vflow.cli.status_line import StatusLine
from vflow.cli.turn_texts import remark, sentence, slow_answers, table, verdict
from vflow.errors import NodeError, VflowError
from vflow.event import TurnEnd
from vflow.graph.graph import Graph, GraphNode
from vflow.printing import escaped, indented, write
from vflow.report.turn import TurnRecord
from vflow.report.turn_log import KEPT_TURNS, KEPT_WARNINGS, TurnLog
from vflow.scripts import between

YOU = "you:   "
_SHOWN_BY = {"final": "final", "word": "word", "chunk": "word", "reply": "word"}
"""The kind of text that need not be shown again, by the kind that a `console` of the graph prints."""


class Detail(Enum):
    """How much of a run is shown."""

    QUIET = "errors"
    PLAIN = "what was said, how long the answer took, and warnings"
    VERBOSE = "the nodes that were chosen, every latency, tracebacks"


class Terminal:
    """Prints one run. `follow` runs in a thread of its own; the other methods may be called meanwhile."""

    def __init__(
        self,
        graph: Graph,
        log: TurnLog,
        live: bool,
        detail: Detail = Detail.PLAIN,
        transcript: bool = True,
    ) -> None:
        """`live`: with `VERBOSE`, tell of each turn as it ends; otherwise tell of all of them at the end,
        with the table, by the recordings. `transcript`: print what is said."""
        self.graph, self.log, self._live, self._detail = graph, log, live, detail
        shows = transcript and detail is not Detail.QUIET
        self._kinds = _shown(graph) if shows else frozenset[str]()
        self._answers = any(map(_answers, graph.nodes.values()))
        self.typed = False
        """Whether the user types at this terminal, which shows the text by itself."""
        self._lock = threading.Lock()  # guards all below
        self._speaker = ""
        self._word = ""  # the speaker's last word
        self._broken_off = ""  # the speaker whose line was ended by a transcript or a note
        self._idle = self._prompted = False
        self._status = StatusLine(sys.stderr)
        self._traced: set[str] = set()  # warnings whose traceback was printed
        self._reported: dict[int, object] = {}  # the newest turns that have been told
        self._ended: dict[int, TurnRecord] = {}  # ended turns that may have words still to be shown
        self._whole: dict[int, object] = {}  # the newest turns of which all words were shown
        self._flushed = 0  # all turns up to this one were cut

    def follow(self, bus: Bus, tell: Callable[[Message], None] | None = None) -> None:
        """Print messages, and pass each to `tell`, until the bus closes."""
        for message in bus:
            with self._lock:
                try:
                    if tell is not None:
                        tell(message)
                    self._show(message)
                    self._prompt(message)
                except Exception as error:  # a node may have posted anything
                    what = escaped(f"posted a malformed {message.kind} ({type(error).__name__})")
                    self._note(f"warning: {message.source}: {what}")

    def resolved(self) -> None:
        """Print the graph's warnings, which nodes play the roles, and why not better ones."""
        for warning in self.graph.warnings:
            self.note(indented(warning))
        if self._detail is not Detail.VERBOSE:
            return
        for name, choice in self.graph.roles.items():
            better = [f"\n  not {escaped(text)}" for text in choice.passed_over]
            self.note(f"{name}: {choice.taken}{''.join(better)}")

    def note(self, text: str) -> None:
        """Print a line on stderr, unless only errors are wanted."""
        with self._lock:
            self._note(text)

    def error(self, text: str) -> None:
        """Print a line on stderr, whatever level is wanted."""
        with self._lock:
            self._note(text, Detail.QUIET)

    def hush(self) -> None:
        """Print only errors from now on."""
        with self._lock:
            self._detail = Detail.QUIET

    def failed(self, error: VflowError) -> None:
        """Print an error with its place, and its traceback, or how to get it."""
        with self._lock:
            self._note(of_error(error), Detail.QUIET)
            if self._detail is Detail.VERBOSE:
                self._traceback(error)
            elif not isinstance(error.__cause__, VflowError | None):  # vflow's own say themselves how to mend
                self._note("  --verbose prints the traceback", Detail.QUIET)

    def end_line(self) -> None:
        """End the open line of the transcript."""
        with self._lock:
            self._status.clear()
            self._close_line()

    def summary(self) -> None:
        """Print the turns not told yet, then every latency, or what was slow."""
        turns = self.log.snapshot()
        budget = self.graph.budget
        with self._lock:
            if self._detail is Detail.VERBOSE:
                self._report(turns)
                lines = [*table(turns), verdict(budget, turns)]
            else:
                for turn in turns if self._answers else ():
                    if turn.ended:
                        self._remark(turn)
                self._close_line()
                lines = [slow_answers(budget, turns)]
            for line in filter(None, lines):
                self._note(line)

    def _show(self, message: Message) -> None:
        if message.kind == "progress":
            self._progress(message)
        elif message.kind == "packet":
            self._packet(message)
        elif message.kind == "warning":
            text = message.text if self._detail is Detail.VERBOSE else _without_stack(message.text)
            self._note(f"warning: {message.source}: {indented(text)}")
            error = message.data.get("error")
            known = message.text in self._traced or len(self._traced) >= KEPT_WARNINGS
            if self._detail is Detail.VERBOSE and error is not None and not known:
                self._traced.add(message.text)
                self._traceback(error)
        elif message.kind == "state" and message.text == "playing":
            self._note("playing; Ctrl-C ends")
        elif self._detail is not Detail.VERBOSE:
            self._follow_turns(message)
        elif message.kind == "flush" and self.log.interrupted_at(message.at_ns):
            self._close_line(" [interrupted]")
        if self._detail is Detail.VERBOSE and self._live and message.kind in ("played", "flush", "event"):
            self._report(self.log.take_ended())

    def _follow_turns(self, message: Message) -> None:
        """Tell how each turn went, after all its words have been shown: the log may be ahead of the bus."""
        if message.kind == "flush":
            self._flushed = max(self._flushed, message.data["flush"].turn)
        elif message.kind == "played" and message.data["phase"] == "end":
            self._whole[message.data["played"].turn] = None
        elif message.kind == "event" and isinstance(message.data["event"], TurnEnd):
            self._whole[message.data["event"].turn] = None
        elif message.kind != "event":
            return
        if "word" not in self._kinds or not self._answers:
            return
        while len(self._whole) > KEPT_TURNS:
            del self._whole[next(iter(self._whole))]
        self._ended.update((turn.number, turn) for turn in self.log.take_ended())
        for number in sorted(self._ended):
            if number in self._whole or number <= self._flushed:
                self._remark(self._ended.pop(number))

    def _remark(self, turn: TurnRecord) -> None:
        if "word" not in self._kinds or not self._is_new(turn) or not (text := remark(turn)):
            return
        if self._speaker != f"agent {turn.number}":
            if not (turn.words or turn.user):  # nobody saw anything of it
                return
            self._status.clear()
            self._close_line()
            write("agent: ... " if turn.words else "agent: ", sys.stdout, end="")
            self._speaker = f"agent {turn.number}"
            self._close_line(f"[{text}]")
        else:
            self._close_line(f" [{text}]")

    def _is_new(self, turn: TurnRecord) -> bool:
        """Return whether a turn has not been told yet; from now on it counts as told."""
        if turn.number in self._reported:
            return False
        self._reported[turn.number] = None
        while len(self._reported) > KEPT_TURNS:
            del self._reported[next(iter(self._reported))]
        return True

    def _prompt(self, message: Message) -> None:
        """Print the prompt for the next line after the agent has finished."""
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
        if self._detail is Detail.QUIET:
            return
        fraction = message.data.get("fraction")
        percent = f" {fraction:.0%}" if fraction is not None and self._status.redraws else ""
        self._status.show(f"{message.source}: {message.text}{percent}", source=message.source)

    def _packet(self, message: Message) -> None:
        caps = self.graph.nodes[message.source].caps.get(message.data["port"])
        if not isinstance(caps, Text) or caps.kind not in self._kinds:
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
            if self._answers and turn.ended and self._is_new(turn):
                self._note(sentence(turn))

    def _note(self, text: str, least: Detail = Detail.PLAIN) -> None:
        if self._detail is Detail.QUIET and least is not Detail.QUIET:
            return
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


def _answers(node: GraphNode) -> bool:
    """Return whether a node replies. In a graph without replies nothing is told of turns."""
    return node.cls.generates or any(caps == Text("word") for caps in node.caps.values())


def _shown(graph: Graph) -> frozenset[str]:
    """Return the kinds of text to print as a transcript: those that no `console` of the graph prints."""
    printed = {
        _SHOWN_BY.get(caps.kind or "")
        for link in graph.links
        if graph.nodes[link.target].resolved == "console"
        and isinstance(caps := graph.nodes[link.source].caps.get(link.out), Text)
    }
    return frozenset({"final", "word"} - printed)


def _without_stack(text: str) -> str:
    head, found, _ = text.partition('\n  File "')
    return f"{head.removesuffix(', and is at').removesuffix(', at')}; --verbose says where" if found else text
