"""Translate the settings of a Realtime session to properties of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET, structs

from vflow.errors import VflowError, describe
from vflow.web.realtime.agent import Agent, Knob
from vflow.web.realtime.audio import PCM, RATES
from vflow.web.realtime.detection import Change, Detecting
from vflow.web.realtime.messages import Detection, Format, Output, Refused, ResponseFields, SessionFields

VOICES = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
"""Voices that stock clients ask for by default; the graph's own voice stands for all of them."""
MODEL = "vflow"
NO_TOOLS = "the generator of this graph calls no functions; leave 'tools' empty"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one session. `detection` is None if the client commits its utterances."""

    model: str = MODEL
    instructions: str = ""
    modalities: tuple[str, ...] = ("audio",)
    input_format: str = PCM
    output_format: str = PCM
    transcription: dict[str, Any] | None = None
    noise_reduction: dict[str, Any] | None = None
    detection: Detection | None = None
    voice: str = ""
    speed: float = 1.0
    most_tokens: int | str = "inf"
    tool_choice: Any = "auto"

    def as_dict(self, session_id: str) -> dict[str, Any]:
        """Return the settings as clients are sent them."""
        detection = self.detection
        found = None
        if detection is not None:
            found = {k: v for k, v in structs.asdict(detection).items() if v is not None}
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": self.model,
            "instructions": self.instructions,
            "output_modalities": list(self.modalities),
            "audio": {
                "input": {
                    "format": _format(self.input_format),
                    "transcription": self.transcription,
                    "noise_reduction": self.noise_reduction,
                    "turn_detection": found,
                },
                "output": {
                    "format": _format(self.output_format),
                    "voice": self.voice,
                    "speed": self.speed,
                },
            },
            "tools": [],
            "tool_choice": self.tool_choice,
            "max_output_tokens": self.most_tokens,
            "tracing": None,
        }


class Mapping:
    """Maps the fields of one session to the properties of its graph."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._notes: dict[str, str] = {}
        self._detecting = Detecting(agent)
        self._most_tokens = self._value("max_tokens")

    def _value(self, name: str, otherwise: Any = None) -> Any:
        knob = self._agent.knob(name)
        return otherwise if knob is None else knob.value

    def first(self, model: str) -> Settings:
        """Return the settings that describe the graph as it begins."""
        return Settings(
            model=model or MODEL,
            instructions=str(self._value("persona", "") or ""),
            modalities=("audio",) if self._agent.rate is not None else ("text",),
            detection=self._detecting.first(),
            voice=str(self._value("voice", None) or "default"),
            speed=float(self._value("speed", 1.0)),
        )

    def begin(self, settings: Settings) -> None:
        """Stop the graph from answering by itself if the first settings have no turn detection."""
        knob = self._agent.knob("answers")
        if settings.detection is None and knob is not None and knob.hot:
            self._agent.set("answers", False)

    def update(self, now: Settings, fields: SessionFields) -> Settings:
        """Change all properties that the fields ask for, and return the new settings. Raises: Refused if one
        cannot be changed; then none is."""
        _refuse_tools(fields.tools, fields.tool_choice, "session")
        made, changes = now, list[Change]()
        if fields.model is not None:
            made = replace(made, model=fields.model)
        if fields.instructions is not None:
            changes.append(("session.instructions", "persona", self.persona(fields.instructions)))
            made = replace(made, instructions=fields.instructions)
        if fields.output_modalities is not None:
            chosen = self._modalities(fields.output_modalities, "session.output_modalities")
            made = replace(made, modalities=chosen)
        if fields.tool_choice is not None:
            made = replace(made, tool_choice=fields.tool_choice)
        if fields.max_output_tokens is not None:
            changes.append(self._most(fields.max_output_tokens, "session.max_output_tokens"))
            made = replace(made, most_tokens=fields.max_output_tokens)
        given = fields.audio.input if fields.audio is not None else None
        if given is not None:
            if given.format is not None:
                made = replace(made, input_format=_kind(given.format, "session.audio.input.format"))
            if given.transcription is not UNSET:
                made = replace(made, transcription=given.transcription)
            if given.turn_detection is not UNSET:
                detection, more = self._detecting.change(given.turn_detection)
                changes += more
                made = replace(made, detection=detection)
        output = fields.audio.output if fields.audio is not None else None
        if output is not None:
            if output.format is not None:
                made = replace(made, output_format=_kind(output.format, "session.audio.output.format"))
            changes += self._spoken(output, "session.audio.output")
            if output.speed is not None:
                made = replace(made, speed=output.speed)
        self.apply(changes)
        return replace(made, voice=str(self._value("voice", None) or "default"))

    def persona(self, instructions: str) -> str:
        """Return the persona: instructions, followed by the client's notes."""
        return "\n\n".join([instructions, *self._notes.values()])

    def note(self, now: Settings, item_id: str, text: str | None) -> None:
        """Add a client's system item to the persona as a note, or drop it if `text` is None. Raises:
        Refused."""
        kept = self._notes
        self._notes = {key: value for key, value in kept.items() if key != item_id}
        if text is not None:
            self._notes[item_id] = text
        try:
            self.apply([("item.role", "persona", self.persona(now.instructions))])
        except Refused:
            self._notes = kept
            raise

    def overrides(self, now: Settings, fields: ResponseFields) -> tuple[Settings, list[Change]]:
        """Return the settings of one response, and the changes that they need. Raises: Refused if the graph
        cannot make one of them."""
        _refuse_tools(fields.tools, fields.tool_choice, "response")
        if fields.conversation == "none" or fields.input is not None:
            name = "input" if fields.input is not None else "conversation"
            text = "responses outside the conversation are not supported; leave it out"
            raise Refused("unsupported_value", text, f"response.{name}")
        made, changes = now, list[Change]()
        if fields.output_modalities is not None:
            chosen = self._modalities(fields.output_modalities, "response.output_modalities")
            made = replace(made, modalities=chosen)
        if fields.max_output_tokens is not None:
            changes.append(self._most(fields.max_output_tokens, "response.max_output_tokens"))
            made = replace(made, most_tokens=fields.max_output_tokens)
        if fields.audio is not None and (output := fields.audio.output) is not None:
            if output.format is not None:
                made = replace(made, output_format=_kind(output.format, "response.audio.output.format"))
            changes += self._spoken(output, "response.audio.output")
        if fields.instructions is not None:
            self._hot("answers", "response.instructions", "instructions for one response")
        for change in changes:
            self._check(*change)
        return made, changes

    def apply(self, changes: list[Change]) -> list[Change]:
        """Change properties, all or none; return the changes that undo it. Raises: Refused."""
        back: list[Change] = []
        for change in changes:
            self._check(*change)
        for param, name, value in changes:
            back.append((param, name, self._value(name)))
            self._agent.set(name, value)
        return back[::-1]

    def _check(self, param: str, name: str, value: object) -> None:
        self._hot(name, param, f"{param.rpartition('.')[2]!r}")
        try:
            self._agent.check(name, value)
        except VflowError as error:
            raise Refused("invalid_value", f"{param}: {describe(error)}", param) from None

    def _hot(self, name: str, param: str, what: str) -> Knob:
        knob = self._agent.knob(name)
        if knob is None or not knob.hot:
            why = f"{knob.node}.{name} is fixed" if knob is not None else f"none of its nodes has {name!r}"
            raise Refused("unsupported_value", f"this graph cannot change {what}: {why}", param)
        return knob

    def _most(self, asked: int | str, param: str) -> Change:
        return param, "max_tokens", self._most_tokens if asked == "inf" else asked

    def _modalities(self, asked: Sequence[str], param: str) -> tuple[str, ...]:
        if len(set(asked)) != 1:
            raise Refused("invalid_value", "give ['audio'] or ['text']; audio has a transcript too", param)
        if asked[0] == "audio" and self._agent.rate is None:
            raise Refused("unsupported_value", "this graph does not speak; ask for ['text']", param)
        return (asked[0],)

    def _spoken(self, output: Output, param: str) -> Iterator[Change]:
        voice, knob = output.voice, self._agent.knob("voice")
        if voice is not None and voice not in VOICES and (knob is None or voice != (knob.value or "default")):
            if isinstance(voice, dict):
                raise Refused("unsupported_value", "give the voice's name as a string", f"{param}.voice")
            yield f"{param}.voice", "voice", voice
        if output.speed is not None and output.speed != self._value("speed", 1.0):
            yield f"{param}.speed", "speed", output.speed


def _format(kind: str) -> dict[str, Any]:
    return {"type": kind, "rate": RATES[kind]} if kind == PCM else {"type": kind}


def _kind(given: Format, param: str) -> str:
    """Return the name of a format. Raises: Refused if the rate is not the format's."""
    if given.rate is not None and given.rate != RATES[given.type]:
        raise Refused("invalid_value", f"{given.type} is at {RATES[given.type]:,} Hz", f"{param}.rate")
    return given.type


def _refuse_tools(tools: list[Any] | None, choice: Any, where: str) -> None:
    if tools:
        raise Refused("unsupported_value", NO_TOOLS, f"{where}.tools")
    if choice not in (None, "auto", "none"):
        raise Refused("unsupported_value", NO_TOOLS, f"{where}.tool_choice")
