"""Send the turns that have ended as spans, from a thread of its own: making a span takes 0.1 ms."""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from vflow.errors import Unavailable, VflowError, install_command
from vflow.otel.agent_facts import agent_facts
from vflow.otel.turn_spans import TurnSpan, turn_spans
from vflow.otel.wanted import Wanted, wanted
from vflow.report.turn import TurnRecord
from vflow.runtime.pipeline import Pipeline

MOST_WAITING = 1_000
"""Turns that wait to be made into spans; beyond, the oldest are dropped and counted."""
MISSING = "opentelemetry is not installed"

Warn = Callable[[str], None]
"""Takes a line for the operator; any thread calls it."""


class Sender(Protocol):
    """Sends spans. `close` blocks until all are sent, or for `within_s`."""

    def send(self, spans: list[TurnSpan], epoch_ns: int) -> None: ...

    def close(self, within_s: float) -> None: ...


@dataclass(frozen=True, slots=True)
class _Ended:
    conversation: str
    pipeline: Pipeline
    turn: TurnRecord


class SpanExport:
    """Takes turns from any thread, and never makes one wait."""

    def __init__(self, sender: Sender, content: bool, warn: Warn) -> None:
        self._sender, self._content, self._warn = sender, content, warn
        self._changed = threading.Condition()
        # all below guarded by _changed
        self._waiting: deque[_Ended] = deque()
        self._dropped = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="vflow:otel", daemon=True)
        self._thread.start()

    def add(self, conversation: str, pipeline: Pipeline, turn: TurnRecord) -> None:
        """Have a turn sent that will not change any more. `conversation` names its session."""
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(_Ended(conversation, pipeline, turn))
            self._changed.notify()

    def close(self, within_s: float) -> None:
        """Send what waits, and end; block for at most `within_s`. May be called twice."""
        until_s = time.monotonic() + within_s
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(within_s)
        self._sender.close(max(0.0, until_s - time.monotonic()))
        with self._changed:
            dropped, self._dropped = self._dropped + len(self._waiting), 0
            self._waiting.clear()
        if dropped:
            self._warn(f"warning: the spans of {dropped:,} turns were not made: too many waited")

    def _run(self) -> None:
        while (ended := self._next()) is not None:
            try:
                self._make(ended)
            except Exception as error:  # the libraries' own code, or a node's properties
                self._warn(f"warning: a turn has no spans: {type(error).__name__}: {error}")

    def _next(self) -> _Ended | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _make(self, ended: _Ended) -> None:
        epoch_ns = time.time_ns() - ended.pipeline.clock.now_ns()  # anew: the machine's time may be set
        spans = turn_spans(ended.turn, agent_facts(ended.pipeline), ended.conversation, self._content)
        if spans:
            self._sender.send(spans, epoch_ns)


def begin(option: str | None, environment: Mapping[str, str], warn: Warn) -> SpanExport | None:
    """Begin to send spans where they are wanted: by `option`, the value of `--otel`, or by the environment.

    The environment is of all programs, so what it asks and cannot be had is a warning. Raises: VflowError for
    an option that cannot be done; Unavailable without the extra `otel`.
    """
    try:
        asked = wanted(option, environment)
        return None if asked is None else SpanExport(_sender(asked, warn), asked.content, warn)
    except VflowError as error:
        if option is not None:
            raise
        warn(f"warning: no spans are sent: {error}")
        return None


@contextlib.contextmanager
def sending(
    option: str | None, environment: Mapping[str, str], warn: Warn, within_s: float
) -> Iterator[SpanExport | None]:
    """Inside the context spans are sent where they are wanted (see `begin`); at its end what waits is sent,
    for at most `within_s`. Raises: as `begin` does."""
    export = begin(option, environment, warn)
    try:
        yield export
    finally:
        if export is not None:
            export.close(within_s)


def _sender(asked: Wanted, warn: Warn) -> Sender:
    try:
        otlp = importlib.import_module("vflow.otel.otlp")  # requests takes a quarter of a second
    except ImportError:
        raise Unavailable(f"{MISSING}: {install_command('otel')}") from None
    sender: Sender = otlp.OtlpSender(asked, warn)
    return sender
