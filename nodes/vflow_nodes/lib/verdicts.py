"""Verdicts: how a candidate of `end_of_turn` rates a pause.

A verdict is a `TextPacket` with the turn and the pts of the `Pause` that it judges. Its text is "finished" or
"goes on", and `meta["finished"]` is the probability, 0 to 1, that the user has finished. Of several verdicts
on one pause the newest counts.
"""

from __future__ import annotations

from vflow import MS, Event, TextPacket

TOO_OLD_NS = 500 * MS
"""A pause older than this is not judged: its wait would be over before the verdict comes."""

PATIENCE_NS = 160 * MS
"""How long after the pause to wait for its transcript, if the sound is rated. A pause comes 0.1 s after the
last sound, so the verdict by the sound alone still comes before a short wait is over."""


def verdict(pause: Event, finished: float) -> TextPacket:
    """Return the verdict on a pause; `finished` is the probability that nothing follows."""
    text = "finished" if finished >= 0.5 else "goes on"
    return TextPacket(text=text, turn=pause.turn, pts_ns=pause.pts_ns, meta={"finished": finished})


def too_old(pause: Event, now_ns: int) -> bool:
    """Tell whether it is too late to judge a pause at that pipeline time."""
    return now_ns - pause.pts_ns > TOO_OLD_NS
