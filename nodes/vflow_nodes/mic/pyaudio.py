"""The microphone through PortAudio, by the package PyAudio."""

from __future__ import annotations

from vflow_nodes.lib.portaudio.microphone import Microphone
from vflow_nodes.lib.portaudio.pyaudio_backend import PyAudioBackend


class PyAudioMic(Microphone):
    """The microphone, mono (the first channel of a device that has no mono).

    It gives exactly `rate` samples per second of pipeline time, with the device's times: the drift of the
    device's clock is removed. Audio that the graph does not take within 2 s is overwritten and counted, with
    a warning. A device that delivers nothing for 1 s has failed. A loudspeaker on the same device shares its
    stream.
    """

    rank = 60
    example = "mic: {use: mic.pyaudio, frame: 32ms}"
    backend = PyAudioBackend()
