"""The loudspeaker through PortAudio, by the package PyAudio."""

from __future__ import annotations

from vflow_nodes.lib.portaudio.loudspeaker import Loudspeaker
from vflow_nodes.lib.portaudio.pyaudio_backend import PyAudioBackend


class PyAudioSpeaker(Loudspeaker):
    """The loudspeaker, mono (the same on both channels of a device that has no mono).

    After a flush the device still plays the audio that it holds itself, about `latency`. Audio counts as
    heard when it sounds. The bus tells how much of a reply was played: `played`, phase `start` and `end`. A
    device that asks for no audio for 1 s has failed.
    """

    rank = 60
    example = "speaker: {use: speaker.pyaudio, latency: 40ms}"
    backend = PyAudioBackend()
