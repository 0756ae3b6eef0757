"""The properties of `turn`: which windows are voice, which silence ends an utterance, what interrupts."""

from __future__ import annotations

from vflow import Duration, Node, prop


class TurnProperties(Node):
    """See `Turn`. A change of a `hot` property takes effect at the next window or the next utterance."""

    threshold: float = prop(
        0.5,
        ge=0.2,
        le=0.95,
        doc="probability that makes a window voice; speech goes on down to 0.15 less",
        hot=True,
    )
    speech_start_after: Duration = prop("96ms", ge="0ms", le="2s", doc="voice needed before speech_start")
    pre_roll: Duration = prop(
        "400ms",
        ge="0ms",
        le="2s",
        doc="audio before the first voice that is sent too; Silero notices soft first sounds up to 0.3 s"
        " late: with less, the first word is clipped",
        hot=True,
    )
    fade: Duration = prop(
        "192ms",
        ge="0ms",
        le="500ms",
        doc="how far back at most a silence may begin, at the end of the sound, when the probability falls",
    )
    pause_after: Duration = prop("96ms", ge="0ms", le="2s", doc="silence before pause")
    speech_end_after: Duration = prop(
        "480ms", ge="64ms", le="10s", latency="endpoint", doc="silence before speech_end", hot=True
    )
    waits: dict[float, Duration] = prop(
        {0.6: "320ms", 0.4: "480ms", 0.0: "1200ms"},
        ge="64ms",
        le="10s",
        doc="silence before speech_end if the pause is rated, by the probability that the user has finished:"
        " the entry of the highest one that the rating reaches",
        hot=True,
    )
    detect: bool = prop(
        True,
        doc="whether voice makes utterances; else a button does: talk_start and talk_end in the stream",
        hot=True,
    )
    barge_in: bool = prop(True, doc="whether speech interrupts the reply", hot=True)
    barge_in_after: Duration = prop(
        "224ms",
        ge="0ms",
        le="2s",
        doc="voice needed before speech_start while the reply is heard, with barge_in: longer than a cough",
    )
    grace: Duration = prop(
        "700ms",
        ge="0ms",
        le="5s",
        doc="how long after speech_end voice can take it back, with barge_in: 96 ms of voice hold the reply,"
        " and an utterance voids a reply of which at most four words were heard; 0ms: never",
    )
    foreground: float = prop(
        9.0,
        ge=0,
        le=60,
        unit="dB",
        doc="voice that is further below the level of the user's last turns is another's, such as a"
        " television's: it begins no utterance, and one that only it goes on with for 3.5 s ends;"
        " 0: all voice counts",
    )
    duck: float = prop(
        -12.0,
        ge=-60,
        le=0,
        unit="dB",
        doc="gain of the reply while voice is heard that may become an interruption; 0: plays on as it was",
    )
    speculate: bool = prop(
        True,
        doc="whether to prepare a reply at a pause, held back until speech_end: the work is done in the wait",
    )
    max_utterance: Duration = prop(
        "30s", ge="1s", le="600s", doc="a longer utterance ends here; the rest is the next turn"
    )
