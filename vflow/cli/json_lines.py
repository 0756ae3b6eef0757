"""Write the events of a run as lines of JSON to standard output, for `vflow run --json`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from vflow.bus import Message
from vflow.caps import Text
from vflow.graph.graph import Graph
from vflow.printing import write
from vflow.report.json_values import plain
from vflow.report.turn import in_ms
from vflow.report.turn_log import TurnLog


class JsonLines:
    """Writes to `stream`, one line per event. Any thread may call."""

    def __init__(self, graph: Graph, log: TurnLog, stream: TextIO | None) -> None:
        self._graph, self._log, self._stream = graph, log, stream
        self._lock = threading.Lock()  # guards the stream, so that lines do not mix

    def tell(self, message: Message) -> None:
        """Write a message of the bus, if programs need it."""
        at = {"at_ms": in_ms(message.at_ns)}
        source, data = message.source, message.data
        if message.kind == "packet":
            self._packet(message)
        elif message.kind == "event":
            self._line(data["event"].name, node=source, turn=data["event"].turn, **at)
        elif message.kind == "played":
            at["at_ms"] = in_ms(data.get("at_ns", message.at_ns))
            played = data["played"]
            self._line("played", phase=data["phase"], node=source, turn=played.turn, heard=played.heard, **at)
        elif message.kind == "flush":
            self._line("flush", turn=data["flush"].turn, **at)
        elif message.kind in ("state", "progress", "warning"):
            extra = {"fraction": data.get("fraction")} if message.kind == "progress" else {}
            self._line(message.kind, node=source, text=message.text, **extra, **at)
        if message.kind in ("played", "flush", "event"):
            self.turns()

    def begin(self, file: str) -> None:
        """Write which of several inputs begins."""
        self._line("input", file=file)

    def warn_of_graph(self) -> None:
        """Write the warnings about the graph."""
        for text in self._graph.warnings:
            self._line("warning", node="", text=text)

    def turns(self) -> None:
        """Write the turns that ended since the last call, each as the report has it."""
        for turn in self._log.take_ended():
            self._line("turn", **turn.as_dict())

    def failed(self, node: str, text: str) -> None:
        """Write the error that ended the run."""
        self._line("error", node=node, text=text)

    def end(self, code: int, **figures: object) -> None:
        """Write the last line."""
        self.turns()
        self._line("end", code=code, **figures)

    def _packet(self, message: Message) -> None:
        caps = self._graph.nodes[message.source].caps.get(message.data["port"])
        kinds = {"final": "transcript", "word": "word"}
        if isinstance(caps, Text) and caps.kind in kinds:
            turn = message.data["packet"].turn
            self._line(
                kinds[caps.kind],
                node=message.source,
                turn=turn,
                text=message.text,
                at_ms=in_ms(message.at_ns),
            )

    def _line(self, event: str, **fields: Any) -> None:
        found = plain({"event": event, **fields}, max_values=None, max_depth=100)[0]
        # JSON escapes all that is not ASCII, and all control characters of ASCII but one
        text = json.dumps(found).replace("\x7f", "\\u007f")
        with self._lock:
            write(text, self._stream)


@contextlib.contextmanager
def alone_on_stdout() -> Iterator[TextIO | None]:
    """Yield standard output. Meanwhile all other output to it, even from C code, goes to standard error."""
    before = sys.stdout
    try:
        own = os.dup(before.fileno()) if before.fileno() == 1 else None
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed or a stand-in
        own = None
    if own is None:
        sys.stdout = sys.stderr
        try:
            yield before
        finally:
            sys.stdout = before
        return
    before.flush()
    with os.fdopen(own, "w", encoding="utf-8", buffering=1) as stream:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(sys.stderr.fileno(), 1)
        sys.stdout = sys.stderr
        try:
            yield stream
        finally:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
            os.dup2(own, 1)
            sys.stdout = before
