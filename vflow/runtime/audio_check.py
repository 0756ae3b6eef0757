"""Reject audio that differs from its link's caps: it would play as noise or at another speed. The node that
emitted it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vflow.caps import Audio, Caps
from vflow.errors import VflowError
from vflow.packet import AudioPacket


def guarded(put: Callable[[Any], None], caps: Caps | None) -> Callable[[Any], None]:
    """Return `put` with a check of each audio packet; `caps` are those of the output that feeds it.

    The result raises VflowError for a packet of another rate or number of channels. It does not check what
    the caps leave open, as they may in a harness.
    """
    if not isinstance(caps, Audio):
        return put
    rate, channels = caps.rate, caps.channels

    def look(packet: Any) -> None:
        if isinstance(packet, AudioPacket):
            found = packet.data.shape[1]
            if (packet.rate != rate and rate is not None) or (found != channels and channels is not None):
                emitted = Audio(packet.rate, found)
                raise VflowError(f"emitted {emitted}, but its output carries {Audio(rate, channels)}")
        put(packet)

    return look
