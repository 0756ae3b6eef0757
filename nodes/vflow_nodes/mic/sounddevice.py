"""Microphone and loudspeaker through PortAudio, by the package sounddevice."""

from __future__ import annotations

from vflow_nodes.portaudio.by_sounddevice import Sounddevice
from vflow_nodes.portaudio.capture import Microphone
from vflow_nodes.portaudio.play import Loudspeaker


class SounddeviceMic(Microphone):
    """The microphone, mono (the first channel of a device that has no mono).

    Exactly `rate` samples a second of pipeline time, with the device's times: the drift of its clock is
    taken out. What the graph does not take within 2 s is overwritten, counted and warned of. A device that
    is silent for 1 s has failed. A loudspeaker on the same device shares its stream.
    """

    rank = 50
    example = "mic: {use: mic.sounddevice, frame: 32ms}"
    backend = Sounddevice()


class SounddeviceSpeaker(Loudspeaker):
    """The loudspeaker, mono (the same on both channels of a device that has no mono).

    A flush leaves what the device itself holds, about `latency`, to be played; what was heard is counted
    where it sounds. What is played of a reply is told on the bus: `played`, phase `start` and `end`. A
    device that is silent for 1 s has failed.
    """

    rank = 50
    example = "speaker: {use: speaker.sounddevice, latency: 40ms}"
    backend = Sounddevice()
