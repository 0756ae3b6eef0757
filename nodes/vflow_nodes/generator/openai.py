"""`generator.openai`: speech to text here, then a language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from vflow import Bin


class OpenAiCascade(Bin):
    """Answer an utterance with words: transcribe it here, then ask a remote language model.

    The user's words leave the machine as text, so a graph gets this bin only by its name. Properties of
    `chat.openai` are set on this bin.
    """

    rank = -10
    example = "generator: {use: generator.openai, base_url: 'http://localhost:11434/v1', model: llama3.2}"
    graph = """
ports: {audio: stt.audio, text: chat.text, say: chat.say, words: chat.words, transcript: stt.transcript}
proxy: [chat]
nodes:
  stt: {use: stt}
  chat: {use: chat.openai}
links: [stt -> chat]
"""
