"""The microphone through PortAudio, by the package sounddevice."""

from __future__ import annotations

from vflow_nodes.lib.portaudio.microphone import Microphone
from vflow_nodes.lib.portaudio.sounddevice_backend import Sounddevice


class SounddeviceMic(Microphone):
    """The microphone, mono (the first channel of a device that has no mono).

    Exactly `rate` samples a second of pipeline time, with the device's times: the drift of its clock is
    taken out. Audio that the graph does not take within 2 s is overwritten, counted and warned of. A
    device that is silent for 1 s has failed. A loudspeaker on the same device shares its stream.
    """

    rank = 50
    example = "mic: {use: mic.sounddevice, frame: 32ms}"
    backend = Sounddevice()
