"""Roles: abstract node names, each of which resolves to the best available node by rank.

A role says which ports every candidate has, and which properties every candidate takes. These may be set on
the role; a candidate without a use for one ignores it, with a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """One role. `inputs` and `outputs` map ports to caps. An `optional` port need not be linked, and a node
    that a caller puts in the role's place may lack it. Every candidate understands `properties`."""

    name: str
    doc: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    properties: tuple[str, ...]
    optional: tuple[str, ...] = ()


ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role(
            "mic",
            "captures the user's voice",
            {},
            {"audio": "audio"},
            ("device", "frame", "rate", "echo_cancellation"),
        ),
        Role("speaker", "plays the reply", {"audio": "audio"}, {}, ("device", "latency", "rate")),
        Role(
            "vad",
            "finds utterances and mints turns",
            {
                "audio": "audio(rate=16000, channels=1)",
                "verdict": "text/verdict",
                "backchannel": "text/backchannel",
            },
            {"speech": "audio(rate=16000, channels=1, turns)"},
            (
                "threshold",
                "pre_roll",
                "pause_after",
                "speech_end_after",
                "speculate",
                "barge_in",
                "barge_in_after",
                "duck",
            ),
            ("verdict", "backchannel"),
        ),
        Role(
            "stt",
            "transcribes utterances",
            {"audio": "audio(rate=16000, channels=1, turns)"},
            {"transcript": "text/final"},
            ("model", "device", "language"),
        ),
        Role(
            "generator",
            "answers an utterance with words",
            {"audio": "audio(rate=16000, channels=1, turns)", "text": "text/final", "say": "text/reply"},
            {"words": "text/word", "transcript": "text/final"},
            ("model", "device", "persona", "max_tokens", "temperature", "seed"),
            ("text", "say"),
        ),
        Role(
            "end_of_turn",
            "judges at a pause whether the user has finished",
            {"audio": "audio(rate=16000, channels=1, turns)", "transcript": "text/final"},
            {"verdict": "text/verdict"},
            (),
            ("transcript",),
        ),
        Role(
            "backchannel",
            "looks at the words over a reply: do they want a turn?",
            {"audio": "audio(rate=16000, channels=1, turns)"},
            {"looks": "text/backchannel"},
            (),
        ),
        Role(
            "tts",
            "speaks chunks of text",
            {"text": "text/chunk(spoken)"},
            {"audio": "audio"},
            ("voice", "speed"),
        ),
    )
}
