"""Translate a Realtime client's `turn_detection` to properties of the graph."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from vflow.packet import MS
from vflow.web.realtime.agent import Agent
from vflow.web.realtime.messages import Detection, Refused

Change = tuple[str, str, object]
"""The client's field, the graph's property, and the property's new value."""
EAGER = {"low": 2.0, "medium": 1.0, "auto": 1.0, "high": 0.5}
"""Factor by which each eagerness stretches the graph's own waits in a pause."""
OWN = ("speech_end_after", "waits", "threshold", "pre_roll", "max_tokens")
"""Properties whose first values are used again if a client leaves them out."""
SHORTEST_NS, LONGEST_NS = 64 * MS, 10_000 * MS
PARAM = "session.audio.input.turn_detection"


class Detecting:
    """Turn detection of one session's graph."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._own: dict[str, Any] = {
            name: knob.value for name in OWN if (knob := agent.knob(name)) is not None
        }

    def first(self) -> Detection | None:
        """Return the detection that the graph begins with, in the client's terms; None if it has none."""
        detect, barge_in = self._agent.knob("detect"), self._agent.knob("barge_in")
        if detect is None or not detect.value:
            return None
        interrupts = barge_in is None or bool(barge_in.value)
        shared = Detection(create_response=True, interrupt_response=interrupts)
        if self._agent.judges:
            return structs.replace(shared, type="semantic_vad", eagerness="auto")
        return self._by_silence(shared)

    def change(self, asked: Detection | bool | None) -> tuple[Detection | None, list[Change]]:
        """Return the detection that is asked for, with its gaps filled, and the properties to change for it.
        Raises: Refused if the graph cannot do it."""
        param, changes = PARAM, list[Change]()
        if asked is True:
            raise Refused("invalid_value", "it cannot be true: give {'type': 'server_vad'}, or null", param)
        if asked is None or asked is False:
            if not self._agent.button:
                changes += [(param, "detect", False), (param, "barge_in", False), (param, "pre_roll", "0ms")]
            if self._agent.knob("answers") is not None:
                changes.append((param, "answers", False))
            return None, changes
        if self._agent.button:
            raise Refused("unsupported_value", "a button ends the turns of this graph; give null", param)
        if self._agent.knob("detect") is None:
            raise Refused("unsupported_value", "this graph detects no turns: it has no node 'turn'", param)
        if asked.idle_timeout_ms is not None:
            text = "this server does not speak to a user for being silent; leave it out"
            raise Refused("unsupported_value", text, f"{param}.idle_timeout_ms")
        creates, interrupts = asked.create_response is not False, asked.interrupt_response is not False
        changes += [(param, "detect", True), (f"{param}.interrupt_response", "barge_in", interrupts)]
        if not creates or self._agent.knob("answers") is not None:
            changes.append((f"{param}.create_response", "answers", creates))
        made = structs.replace(asked, create_response=creates, interrupt_response=interrupts)
        if asked.type == "semantic_vad" and self._agent.judges:
            return self._by_meaning(made, changes, param)
        # without a node that rates pauses silence alone ends a turn: clients are told `server_vad`
        made = self._by_silence(structs.replace(made, type="server_vad", eagerness=None))
        for field, name in (("threshold", "threshold"), ("prefix_padding_ms", "pre_roll")):
            value = getattr(made, field)
            changes.append((f"{param}.{field}", name, value if name == "threshold" else f"{value}ms"))
        changes.append((f"{param}.silence_duration_ms", "speech_end_after", f"{made.silence_duration_ms}ms"))
        changes.append((param, "waits", {}))
        return made, changes

    def _by_meaning(
        self, made: Detection, changes: list[Change], param: str
    ) -> tuple[Detection, list[Change]]:
        """Return the detection and the changes for `semantic_vad`, in a graph with a node that rates pauses.
        The waits after a pause are the graph's own, stretched by the eagerness."""
        made = structs.replace(made, eagerness=made.eagerness or "auto")
        longer = EAGER[made.eagerness or "auto"]
        own: dict[float, int] = self._own["waits"]
        waits = {bound: _within(wait * longer) for bound, wait in own.items()}
        after = _within(self._own["speech_end_after"] * longer)
        changes += [(f"{param}.eagerness", "waits", waits), (f"{param}.eagerness", "speech_end_after", after)]
        changes += [(param, "threshold", self._own["threshold"])]
        changes += [(param, "pre_roll", _within(self._own["pre_roll"], 0))]
        return made, changes

    def _by_silence(self, made: Detection) -> Detection:
        """Fill the fields that a client left out with the graph's own values."""
        return structs.replace(
            made,
            threshold=self._own["threshold"] if made.threshold is None else made.threshold,
            prefix_padding_ms=_ms(self._own["pre_roll"], made.prefix_padding_ms),
            silence_duration_ms=_ms(self._own["speech_end_after"], made.silence_duration_ms),
        )


def _within(ns: float, shortest_ns: int = SHORTEST_NS) -> str:
    return f"{round(min(max(ns, shortest_ns), LONGEST_NS) / MS)}ms"


def _ms(ns: int, asked: int | None) -> int:
    return ns // MS if asked is None else asked
