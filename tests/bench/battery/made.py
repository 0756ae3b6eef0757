"""Scenes and evidence for tests, of hums in place of speech."""

from __future__ import annotations

from tests.scripted_agent import utterance
from vflow.bench.battery.played import Played, Span
from vflow.bench.battery.scene import Scene, Sound, Sounded
from vflow.packet import MS
from vflow.report.turn import TurnRecord

ASKED = Sound(utterance("question"), asks=True)


def scene(kind: str, *sounds: Sound) -> Scene:
    return Scene(f"{kind}-1", kind, sounds or (ASKED,))


def into_reply(after_ms: int = 1000, asks: bool = False, ms: int = 600) -> Sound:
    return Sound(utterance("over", ms=ms), after_ms * MS, into_reply=True, asks=asks)


def turn(number: int = 1, taken_back: bool = False, **at_ms: int) -> TurnRecord:
    """A turn with these moments."""
    moments = {name: ms * MS for name, ms in at_ms.items()}
    return TurnRecord(number, user="hello", taken_back=taken_back, at_ns=moments)


def played(
    of: Scene,
    at_ms: tuple[int, ...],
    agent_ms: tuple[Span, ...] = (),
    turns: tuple[TurnRecord, ...] = (),
    held_ms: tuple[Span, ...] = (),
) -> Played:
    """A scene whose sounds began at these times; a hum sounds from 50 ms after that."""
    sounded = [Sounded(sound, ms * MS) for sound, ms in zip(of.sounds, at_ms, strict=False)]
    return Played(of, sounded, _ns(agent_ms), turns, _ns(held_ms))


def _ns(spans: tuple[Span, ...]) -> list[Span]:
    return [(on * MS, off * MS) for on, off in spans]
