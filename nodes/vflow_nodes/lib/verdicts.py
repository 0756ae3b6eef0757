"""Verdicts: what a candidate of `end_of_turn` says of a pause.

A verdict is a `TextPacket` with the turn and the pts of the `Pause` that it judges; its text is "finished" or
"goes on", and `meta["finished"]` the probability, 0 to 1, that the user has finished. Of several verdicts on
one pause the newest counts.
"""

from __future__ import annotations

from vflow import MS, Event, TextPacket

TOO_OLD_NS = 500 * MS
"""A pause this old is not judged: its wait is over before the verdict would come."""

PATIENCE_NS = 160 * MS
"""How long after the pause its transcript is waited for, where the sound is known: a pause comes 0.1 s after
the last sound, so that the verdict by the sound alone still comes before a short wait is over."""


def verdict(pause: Event, finished: float) -> TextPacket:
    """The verdict on a pause: `finished` is the probability that nothing follows."""
    text = "finished" if finished >= 0.5 else "goes on"
    return TextPacket(text=text, turn=pause.turn, pts_ns=pause.pts_ns, meta={"finished": finished})


def too_old(pause: Event, now_ns: int) -> bool:
    """Whether it is too late to judge a pause at that pipeline time."""
    return now_ns - pause.pts_ns > TOO_OLD_NS
