"""The scenes of a user's own folder: sound files, and `scenes.yaml`, which says what each of them is.

prompt: question.wav                            # asked where a reply is needed; else one is spoken
scenes:
  - {kind: pause, file: booking.flac, end: 4.2s}
  - {kind: backchannel, file: mmhmm.wav, at: 1.5s}
  - {kind: interruption, file: stop.wav, at: [600ms, 2s, 4s]}
  - {kind: background, file: television.wav, below: 16}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from vflow.bench.battery.noises import level
from vflow.bench.battery.scene import KINDS, Expected, Scene, Sound
from vflow.bench.battery.voiced import BACKCHANNEL_NS, PLACES_NS, PROMPT
from vflow.bench.speech import RATE, Clip, bundled, recorded, spoken
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError
from vflow.graph.values import ValueReader, kind_of
from vflow.graph.yaml_reader import Value, parse, read_file
from vflow.packet import MS, SECOND
from vflow.props import duration_text

NAME = "scenes.yaml"
EXAMPLE = "write '- {kind: backchannel, file: mmhmm.wav}' below 'scenes:'"
KEYS = ("kind", "file", "name", "at", "end", "below")
ONLY_FOR = {
    "at": (Expected.GO_ON, Expected.STOP),
    "end": (Expected.ANSWER,),
}
"""Keys that mean something for some kinds alone."""
MOST_BELOW_DB = 60


def folder_scenes(folder: str) -> list[Scene]:
    """Return the scenes of a folder. Blocks. Raises: GraphError with every finding in its manifest;
    Unavailable if the prompt cannot be spoken or read."""
    file = Path(folder) / NAME
    if not file.is_file():
        message = f"--scenes: there is no {NAME} in it"
        raise GraphError([Diagnostic(message, Place(folder), f"make {file}, with 'scenes:'; {EXAMPLE}")])
    text = read_file(file)
    if not text.strip():
        raise GraphError([Diagnostic("the file is empty", Place(str(file)), EXAMPLE)])
    manifest = _Manifest(Path(folder), parse(text, str(file)))
    if manifest.reader.diagnostics:
        raise GraphError(manifest.reader.diagnostics)
    return manifest.scenes


class _Manifest:
    """Reads a manifest; findings go to the reader's diagnostics."""

    def __init__(self, folder: Path, top: Value) -> None:
        self.reader, self._folder = ValueReader([]), folder
        self.scenes: list[Scene] = []
        entries = self.reader.mapping(top, "a manifest of scenes", ("prompt", "scenes"))
        given = entries.get("scenes")
        if given is None or not isinstance(given.data, list) or not given.data:
            found = "" if given is None else f", not {kind_of(given)}"
            self.reader.error(f"'scenes' is a list of scenes{found}", (given or top).place, EXAMPLE)
            return
        prompt = self._clip(entries["prompt"]) if "prompt" in entries else None
        self._prompt = prompt
        for entry in given.data:
            self.scenes += self._scenes(entry)
        self._refuse_twins()

    @property
    def prompt(self) -> Clip:
        """The question that is asked where a reply is needed. Raises: Unavailable."""
        if self._prompt is None:
            try:
                (self._prompt,) = spoken([PROMPT], fixed=False)
            except VflowError:  # no voice is installed
                self._prompt = recorded(bundled())
        return self._prompt

    def _scenes(self, entry: Value) -> Iterator[Scene]:
        found = len(self.reader.diagnostics)
        keys = self.reader.mapping(entry, "a scene", KEYS)
        for key in ("kind", "file"):
            if isinstance(entry.data, dict) and key not in keys:
                self.reader.error(f"the scene has no {key!r}", entry.place, EXAMPLE)
        if len(self.reader.diagnostics) > found:
            return
        kind = self.reader.choice(keys["kind"], "kind", tuple(KINDS))
        self._refuse_useless(keys, kind)
        clip = self._clip(keys["file"])
        if clip is None or len(self.reader.diagnostics) > found:
            return
        if "end" in keys:
            clip = self._ended(clip, keys["end"])
        if "below" in keys:
            clip = self._softer(clip, keys["below"])
        name = str(keys["name"].data) if "name" in keys else Path(str(keys["file"].data)).stem
        if KINDS[kind] is Expected.ANSWER:
            yield Scene(_plain(f"{kind}-{name}"), kind, (Sound(clip, asks=True),))
            return
        times = self._times(keys.get("at"), kind)
        for after_ns in times:
            place = f"-{duration_text(after_ns)}" if len(times) > 1 else ""
            over = Sound(clip, after_ns - clip.on_ns, True, KINDS[kind] is Expected.STOP)
            yield Scene(_plain(f"{kind}-{name}{place}"), kind, (Sound(self.prompt, asks=True), over))

    def _times(self, given: Value | None, kind: str) -> tuple[int, ...]:
        """Return the times in the reply at which a sound comes: one, or one for each of several scenes."""
        if given is None:
            return PLACES_NS if KINDS[kind] is Expected.STOP else (BACKCHANNEL_NS,)
        listed = given.data if isinstance(given.data, list) else [given]
        if not listed:
            self.reader.error("at names no time", given.place, "write 1.5s, or [600ms, 2s]")
        return tuple(self.reader.duration(value, "at") for value in listed)

    def _refuse_useless(self, keys: dict[str, Value], kind: str) -> None:
        for key, expected in ONLY_FOR.items():
            if key in keys and KINDS[kind] not in expected:
                kinds = ", ".join(name for name, of in KINDS.items() if of in expected)
                self.reader.error(f"{key!r} means nothing for {kind}", keys[key].place, f"it is for {kinds}")

    def _clip(self, file: Value) -> Clip | None:
        try:
            return recorded(self._folder / str(file.data))
        except Unavailable as error:
            self.reader.error(str(error), file.place)
            return None

    def _ended(self, clip: Clip, end: Value) -> Clip:
        """Return a clip whose last sound ends where the user says: noise may follow."""
        end_ns, length_ns = self.reader.duration(end, "end"), len(clip.samples) * SECOND // RATE
        if not clip.on_ns < end_ns <= length_ns:
            between = f"from {clip.on_ns // MS}ms, its first sound, to {length_ns // MS}ms"
            self.reader.error(f"end is {end}, outside of {clip.said}", end.place, f"it goes {between}")
        return replace(clip, off_ns=end_ns)

    def _softer(self, clip: Clip, below: Value) -> Clip:
        """Return a clip this many dB below the prompt."""
        number = below.data
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not (is_number and 0 <= number <= MOST_BELOW_DB):
            mend = f"write a number of dB from 0 to {MOST_BELOW_DB}"
            self.reader.error(f"below is {below}, not a level", below.place, mend)
            return clip
        user = level(self.prompt.samples, self.prompt.on_ns, self.prompt.off_ns)
        gain = 10 ** (-number / 20) * user / level(clip.samples, clip.on_ns, clip.off_ns)
        return replace(clip, samples=np.asarray(gain * clip.samples, np.float32))

    def _refuse_twins(self) -> None:
        names = [scene.name for scene in self.scenes]
        for name in sorted({name for name in names if names.count(name) > 1}):
            place = Place(str(self._folder / NAME))
            self.reader.error(f"two scenes are named {name!r}", place, "give each a 'name' of its own")


def _plain(name: str) -> str:
    """Return a name that is a file's on every system."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
