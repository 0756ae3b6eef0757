"""`generator.cascade`: speech to text, then a language model."""

from __future__ import annotations

from vflow import Bin


class Cascade(Bin):
    """Answer an utterance with words: transcribe it, then let a language model reply.

    It runs on any machine. Only the words of the speech reach the model, not how they are said. Properties
    of `chat` are set on this bin.
    """

    rank = 10
    example = "generator: {use: generator.cascade, model: smollm2}"
    graph = """
ports: {audio: stt.audio, text: chat.text, say: chat.say, words: chat.words, transcript: stt.transcript}
proxy: [chat]
nodes:
  stt: {use: stt}
  chat: {use: chat}
links: [stt -> chat]
"""
