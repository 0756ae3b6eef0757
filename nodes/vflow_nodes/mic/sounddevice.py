"""The microphone through PortAudio, by the package sounddevice."""

from __future__ import annotations

from vflow_nodes.lib.portaudio.microphone import Microphone
from vflow_nodes.lib.portaudio.sounddevice_backend import Sounddevice


class SounddeviceMic(Microphone):
    """The microphone, mono (the first channel of a device that has no mono).

    It gives exactly `rate` samples per second of pipeline time, with the device's times: the drift of the
    device's clock is removed. Audio that the graph does not take within 2 s is overwritten and counted, with
    a warning. A device that delivers nothing for 1 s has failed. A loudspeaker on the same device shares its
    stream.
    """

    rank = 50
    example = "mic: {use: mic.sounddevice, frame: 32ms}"
    backend = Sounddevice()
