"""`vad.silero`: the Silero detector rates windows, and `turn` decides."""

from __future__ import annotations

from vflow import Bin


class SileroVad(Bin):
    """Find the user's utterances with the Silero VAD model."""

    rank = 50
    example = "vad: {use: vad.silero, speech_end_after: 480ms}"
    graph = """
    ports:
      {audio: detector.audio, verdict: turn.verdict, backchannel: turn.backchannel, speech: turn.speech}
    proxy: [detector, turn]
    nodes:
      detector: {use: detector.silero}
      turn: {use: turn}
    links: [detector -> turn]
    """
