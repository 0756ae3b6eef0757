"""Read the values of a graph file's keys: choices, numbers, durations, and small mappings of them.

Each reader notes an error and still returns a value of the right type, so that reading goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from vflow.errors import Diagnostic, Place, PropertyError, nearest
from vflow.graph.graph import Budget, ErrorPolicy
from vflow.graph.yaml_reader import Value
from vflow.ports import QueueOptions
from vflow.props import duration_ns
from vflow.resources import usable_cores

POLICIES = ("block", "leaky-oldest", "leaky-newest", "error")
QUEUE_KEYS = ("packets", "time", "policy", "max_age")
MAPPING_MENDS = {
    "a graph": "a graph has 'nodes:' and 'links:'",
    "nodes": "write '  name: {use: ...}' below it, a line for each node",
    "a link": "write '- a -> b', or '- {from: a, to: b, queue: {...}}'",
    "budget": "write '{from: speech_end, to: first_audio, max: 800ms}'",
}
LIBRARIES = ("torch", "onnxruntime")
MOST_PACKETS = MOST_RESTARTS = 1_000_000
MOST_THREADS = 1024
"""Most threads that a file may give a library: above the cores of any machine, so that a file can move to
another one, and below the counts at which libgomp ends the process (1,000 threads run, 100,000 crash it)."""
QueueChange = Callable[[QueueOptions], QueueOptions]
"""Returns a link's queue options: the defaults given to it, changed by the link's keys in the file."""


class ValueReader:
    """Reads values; errors go to `diagnostics`."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    def error(self, message: str, place: Place, mend: str = "") -> None:
        self.diagnostics.append(Diagnostic(message, place, mend))

    def mapping(self, value: Value, what: str, known: tuple[str, ...] | None) -> dict[str, Value]:
        """Return the entries of a mapping; with `known`, note an error for each key that is not in it."""
        if not isinstance(value.data, dict):
            mend = MAPPING_MENDS.get(what, "")
            self.error(f"{what} is a mapping, not {kind_of(value)}", value.place, mend)
            return {}
        for key in value.data:
            if known is not None and key not in known:
                place = value.keys[key] if value.keys else value.place
                mend = nearest(key, known) or f"known: {', '.join(known)}"
                self.error(f"unknown key {key!r} in {what}", place, mend)
        return value.data

    def choice(self, value: Value, what: str, known: tuple[str, ...]) -> str:
        if value.data not in known:
            mend = nearest(str(value.data), known)
            self.error(f"{what} is one of {', '.join(known)}; not {value}", value.place, mend)
            return known[0]
        return str(value.data)

    def convert(self, value: Value) -> bool:
        return self.choice(value, "convert", ("auto", "never")) != "never"

    def integer(self, value: Value, what: str, high: int) -> int:
        """Return a whole number from 1 to `high`."""
        number = value.data
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            self.error(f"{what} is a whole number of at least 1, not {value}", value.place)
            return 1
        if number > high:
            self.error(f"{what} is {value}, out of range", value.place, f"at most {high:,}")
            return 1
        return number

    def duration(self, value: Value, what: str) -> int:
        try:
            found = duration_ns(value.data)
            if found > 0:
                return found
            self.error(f"{what} is longer than 0", value.place)
        except PropertyError as error:
            message = f"{value.reference} is not a duration" if value.reference else error.message
            self.error(f"{what}: {message}", value.place, "" if value.reference else error.mend)
        return 1

    def on_error(self, value: Value) -> ErrorPolicy:
        if not isinstance(value.data, dict):
            return ErrorPolicy(self.choice(value, "on_error", ("fail", "skip", "restart")))
        inner = self.mapping(value, "on_error", ("restart",)).get("restart")
        if inner is None:
            return ErrorPolicy()
        if not isinstance(inner.data, dict):
            return ErrorPolicy("restart", self.integer(inner, "restart", MOST_RESTARTS))
        policy = ErrorPolicy("restart")
        fields = self.mapping(inner, "restart", ("max", "backoff"))
        if "max" in fields:
            policy = replace(policy, limit=self.integer(fields["max"], "max", MOST_RESTARTS))
        if "backoff" in fields:
            policy = replace(policy, backoff_ns=self.duration(fields["backoff"], "backoff"))
        return policy

    def threads(self, given: Value) -> dict[str, int]:
        entries = self.mapping(given, "threads", LIBRARIES)
        cores = max(1, int(usable_cores()))
        mend = f"set it to the cores that this process may use ({cores}), or leave it out"
        found: dict[str, int] = {}
        for name, value in entries.items():
            count = value.data
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                self.error(f"{name} is a whole number of at least 1, not {value}", value.place, mend)
            elif count > MOST_THREADS:
                self.error(f"{name} is at most {MOST_THREADS} threads, not {value}", value.place, mend)
            else:
                found[name] = count
        return found

    def budget(self, value: Value) -> Budget | None:
        entries = self.mapping(value, "budget", ("from", "to", "max"))
        if not isinstance(value.data, dict):
            return None
        if "max" not in entries:
            self.error("a budget has a 'max'", value.place, "add 'max: 800ms'")
            return None
        if "to" in entries:
            self.choice(entries["to"], "to", ("first_audio",))
        starts = ("speech_end", "voice_off")
        start = self.choice(entries["from"], "from", starts) if "from" in entries else starts[0]
        return Budget(start, self.duration(entries["max"], "max"), value.place)

    def queue(self, value: Value | None, keep: Value | None) -> QueueChange:
        changes: dict[str, Any] = {}
        entries = self.mapping(value, "queue", QUEUE_KEYS) if value is not None else {}
        if "packets" in entries:
            changes["packets"] = self.integer(entries["packets"], "packets", MOST_PACKETS)
        if "time" in entries:
            changes["time_ns"] = self.duration(entries["time"], "time")
        if "max_age" in entries:
            changes["max_age_ns"] = self.duration(entries["max_age"], "max_age")
        if "policy" in entries:
            changes["policy"] = self.choice(entries["policy"], "policy", POLICIES)
        if keep is not None:
            if not isinstance(keep.data, bool):
                self.error(f"keep is true or false, not {keep}", keep.place)
            changes["keep"] = keep.data is True
        return lambda defaults: replace(defaults, **changes)


def kind_of(value: Value) -> str:
    """Return the kind of a value, in the words of messages."""
    names: Mapping[type, str] = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value.data), str(value))
