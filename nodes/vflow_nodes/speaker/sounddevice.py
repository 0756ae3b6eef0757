"""The loudspeaker through PortAudio, by the package sounddevice."""

from __future__ import annotations

from vflow_nodes.lib.portaudio.loudspeaker import Loudspeaker
from vflow_nodes.lib.portaudio.sounddevice_backend import Sounddevice


class SounddeviceSpeaker(Loudspeaker):
    """The loudspeaker, mono (the same on both channels of a device that has no mono).

    A flush leaves what the device itself holds, about `latency`, to be played; what was heard is counted
    where it sounds. The bus tells how much of a reply was played: `played`, phase `start` and `end`. A
    device that is silent for 1 s has failed.
    """

    rank = 50
    example = "speaker: {use: speaker.sounddevice, latency: 40ms}"
    backend = Sounddevice()
