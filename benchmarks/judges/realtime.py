"""An adapter for voicebench: it talks with `/v1/realtime`, as a client of OpenAI's Realtime API."""

from __future__ import annotations

import base64
import json
from typing import Any

from voicebench import audio as au  # type: ignore[import-not-found]
from voicebench.adapters.base import AgentClear, Transcript  # type: ignore[import-not-found]
from voicebench.adapters.websocket import WebSocketAdapter  # type: ignore[import-not-found]

RATE = 24_000


class Realtime(WebSocketAdapter):  # type: ignore[misc]
    """Stops its playback at `input_audio_buffer.speech_started`, as stock clients do."""

    def encode_audio(self, pcm: Any) -> str:
        raw = au.to_pcm16(au.resample(pcm, self.session.sample_rate, RATE))
        return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(raw).decode()})

    def handle_text(self, message: str, now: float) -> None:
        event = json.loads(message)
        match event["type"]:
            case "response.output_audio.delta":
                self.handle_binary(base64.b64decode(event["delta"]), now, RATE)
            case "input_audio_buffer.speech_started":
                self.emit(AgentClear(now))
            case "response.output_audio_transcript.done":
                self.emit(Transcript("agent", event["transcript"], now, True))
            case "conversation.item.input_audio_transcription.completed":
                self.emit(Transcript("user", event["transcript"], now, True))
            case "error":
                raise RuntimeError(event["error"]["message"])
