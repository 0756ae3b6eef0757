"""The scenes that come with vflow: spoken by the installed voice, with synthesised noises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vflow.bench.battery.noises import noises, television
from vflow.bench.battery.scene import Scene, Sound
from vflow.bench.scenario import PROMPTS
from vflow.bench.speech import RATE, Clip, clip_of, spoken
from vflow.packet import MS, SECOND, Samples

PROMPT = PROMPTS[0]
"""Asked where a reply is needed to speak into: the reply is long."""

Turn = Sequence[str | int]
"""Texts, and between them pauses in ms. A text that goes on ends with a comma, and so in a rising voice."""
TURNS: Mapping[str, Sequence[Turn]] = {
    "pause": (
        ("I would like to book a table,", 500, "for four people on Friday evening."),
        ("Could you tell me,", 700, "how far it is from here to the moon?"),
        ("The train leaves at nine, and I wonder,", 900, "whether I can take my bicycle."),
        ("If it rains on Sunday,", 1100, "is there a museum that you would visit?"),
    ),
    "hesitation": (
        ("So I was wondering, um,", 600, "whether you know a good soup for the winter."),
        ("I need, uh,", 800, "I need a train to London."),
        ("Well, let me think,", 1000, "what is the tallest mountain in Spain?"),
    ),
    "digits": (
        ("My number is five five five,", 500, "zero one four,", 500, "seven two nine six."),
        ("The code is four two,", 700, "nine nine,", 700, "one three."),
        ("It is zero four four,", 900, "two seven one,", 900, "eight eight."),
    ),
}
BACKCHANNELS = ("Mm-hmm.", "Uh-huh.", "Yeah.", "Okay.", "Right.", "I see.")
BACKCHANNEL_NS = 2 * SECOND
"""Time in the reply at which a word of assent or a noise comes."""
INTERRUPTIONS = ("Stop, please.", "What is the capital of Spain?", "No, I meant the river.")
PLACES_NS = (600 * MS, 2 * SECOND, 4 * SECOND)
"""Times in the reply at which each interruption comes."""
NEWS = (
    "The council has agreed to build a second bridge over the river. Work begins in spring and will take two"
    " years. Shop owners in the old town fear for their trade. And now to the weather."
)
BELOW_DB = (16, 10)
"""The level of a television below the user's."""


def scenes() -> list[Scene]:
    """Return all scenes. Blocks while they are spoken. Raises: VflowError if no voice is installed."""
    turns = [text for kind in TURNS.values() for turn in kind for text in turn if isinstance(text, str)]
    texts = list(dict.fromkeys([PROMPT, NEWS, *BACKCHANNELS, *INTERRUPTIONS, *turns]))
    clips = dict(zip(texts, spoken(texts, fixed=False), strict=True))
    return [
        *_turns(clips),
        *_backchannels(clips),
        *_noises(clips),
        *_background(clips),
        *_interruptions(clips),
    ]


def _turns(clips: Mapping[str, Clip]) -> Iterator[Scene]:
    for kind, turns in TURNS.items():
        for number, turn in enumerate(turns, 1):
            clip = with_pauses([clips[part] if isinstance(part, str) else part * MS for part in turn])
            longest = max(part for part in turn if isinstance(part, int))
            yield Scene(f"{kind}-{number}-{longest}ms", kind, (Sound(clip, asks=True),))


def _backchannels(clips: Mapping[str, Clip]) -> Iterator[Scene]:
    for text in BACKCHANNELS:
        yield _into_reply(f"backchannel-{_slug(text)}", "backchannel", clips, clips[text])


def _noises(clips: Mapping[str, Clip]) -> Iterator[Scene]:
    made = {name: clip_of(name, "synthesised", samples, RATE) for name, samples in noises().items()}
    for name, clip in made.items():
        yield _into_reply(f"noise-{name}", "noise", clips, clip)
    yield Scene("noise-cough-idle", "noise", (Sound(made["cough"]),))


def _background(clips: Mapping[str, Clip]) -> Iterator[Scene]:
    prompt = clips[PROMPT]
    for below_db in BELOW_DB:
        heard = clip_of("television", "spoken", television(clips[NEWS], prompt, below_db), RATE)
        yield _into_reply(f"background-reply-{below_db}dB", "background", clips, heard, SECOND)
        asked = Sound(prompt, 2 * SECOND, asks=True)
        yield Scene(f"background-question-{below_db}dB", "background", (Sound(heard), asked))


def _interruptions(clips: Mapping[str, Clip]) -> Iterator[Scene]:
    for text in INTERRUPTIONS:
        for place_ns in PLACES_NS:
            name = f"interruption-{_slug(text)}-{place_ns // MS}ms"
            asked = Sound(clips[PROMPT], asks=True)
            over = Sound(clips[text], place_ns - clips[text].on_ns, into_reply=True, asks=True)
            yield Scene(name, "interruption", (asked, over))


def _into_reply(
    name: str, kind: str, clips: Mapping[str, Clip], clip: Clip, after_ns: int = BACKCHANNEL_NS
) -> Scene:
    return Scene(name, kind, (Sound(clips[PROMPT], asks=True), Sound(clip, after_ns, into_reply=True)))


def with_pauses(parts: Sequence[Clip | int]) -> Clip:
    """Return clips as one, each from its first to its last sound, with silences in ns between them."""
    pieces: list[Samples] = []
    for part in parts:
        if isinstance(part, int):
            pieces.append(np.zeros(part * RATE // SECOND, np.float32))
        else:
            pieces.append(part.samples[part.on_ns * RATE // SECOND : part.off_ns * RATE // SECOND])
    clips = [part for part in parts if isinstance(part, Clip)]
    said = " ... ".join(clip.said for clip in clips)
    return clip_of(said, clips[0].how, np.concatenate(pieces), RATE)


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()[:3])
