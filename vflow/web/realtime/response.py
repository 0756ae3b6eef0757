"""Send the events of one response, from its first item to `response.done`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vflow.packet import Samples, Span
from vflow.report.turn import TurnRecord
from vflow.scripts import between
from vflow.web.realtime.audio import Encoder
from vflow.web.realtime.items import MOST_WORDS, Item, Items, new_id
from vflow.web.realtime.settings import Settings

Say = Callable[..., None]
_NOTHING = np.zeros(0, np.float32)
REASONS = {"limit": "max_output_tokens", "length": "max_output_tokens", "content_filter": "content_filter"}
"""The API's reason for an incomplete reply, by the `stop_reason` of its turn."""


class Response:
    """The reply to one turn. `Responses` sees to it that only one goes on at a time."""

    def __init__(
        self, settings: Settings, conversation_id: str, metadata: dict[str, str] | None = None
    ) -> None:
        self.id = new_id("resp")
        self.turn: int | None = None
        self.asked = False
        """Whether the client has asked for it, with `response.create`."""
        self.cut = ""
        """Why nothing more of it is sent: `turn_detected` or `client_cancelled`; '' while it goes on."""
        self.done = False
        self.text_only = settings.modalities == ("text",)
        self.item: Item | None = None
        self.truncated: str | None = None
        """The text that was heard of it, if the client has truncated it."""
        self.record: TurnRecord | None = None
        """The end of its turn, if that came while the response waited for another."""
        self.sent_s = 0.0
        """Seconds of its audio so far, sent or not."""
        self._settings, self._conversation_id, self._metadata = settings, conversation_id, metadata
        self._encoder: Encoder | None = None
        self._said = ""

    @property
    def protected(self) -> bool:
        """Whether nobody may interrupt it, by its `metadata`."""
        return (self._metadata or {}).get("barge_in") == "false"

    def as_dict(self, status: str, record: TurnRecord | None = None, reason: str = "") -> dict[str, Any]:
        """Return the response as clients are sent it."""
        details: dict[str, Any] | None = None
        if status not in ("in_progress", "completed"):
            details = {"type": status}
            if reason:
                details["reason"] = reason
            if status == "failed":
                details["error"] = {"type": "server_error", "code": "generation_failed"}
        settings = self._settings
        spoken = None if self.text_only else {"output": settings.as_dict("")["audio"]["output"]}
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [self.item.as_dict()] if self.item is not None else [],
            "conversation_id": self._conversation_id,
            "output_modalities": list(settings.modalities),
            "max_output_tokens": settings.most_tokens,
            "audio": spoken,
            "metadata": self._metadata,
            "usage": None if status == "in_progress" else self._usage(record),
        }

    def _usage(self, record: TurnRecord | None) -> dict[str, Any]:
        """Return the token counts: only words have tokens, audio has none. Those of a prompt are 0 if the
        generator does not count them."""
        made = 0 if record is None else record.tokens
        asked = 0 if record is None else record.prompt_tokens
        heard = 0 if record is None else min(asked, record.prompt_audio_tokens)
        return {
            "total_tokens": asked + made,
            "input_tokens": asked,
            "output_tokens": made,
            "input_token_details": {"text_tokens": asked - heard, "audio_tokens": heard, "cached_tokens": 0},
            "output_token_details": {"text_tokens": made, "audio_tokens": 0},
        }

    def _place(self) -> dict[str, Any]:
        assert self.item is not None
        return {"response_id": self.id, "item_id": self.item.id, "output_index": 0, "content_index": 0}

    def _part(self, text: str) -> dict[str, str]:
        return {"type": "text", "text": text} if self.text_only else {"type": "audio", "transcript": text}

    def begin_item(self, items: Items, say: Say) -> Item:
        """Return the item for the reply; on the first call create it and tell the client."""
        if self.item is not None:
            return self.item
        content = "output_text" if self.text_only else "output_audio"
        item = self.item = Item("assistant", content, self.turn or 0, "", "in_progress", open=True)
        before = item.before = items.add(item)
        say("response.output_item.added", response_id=self.id, output_index=0, item=item.as_dict(False))
        say("conversation.item.added", previous_item_id=before, item=item.as_dict(False))
        say("response.content_part.added", **self._place(), part=self._part(""))
        return item

    def word(self, items: Items, text: str, say: Say) -> None:
        """Send a word of the reply, as it is written."""
        item = self.begin_item(items, say)
        delta = text.lstrip() if not self._said else between(self._said, text) + text
        self._said += delta
        item.text = self._said
        name = "response.output_text.delta" if self.text_only else "response.output_audio_transcript.delta"
        say(name, **self._place(), delta=delta)

    def audio(self, items: Items, samples: Samples, rate: int, spans: tuple[Span, ...], say: Say) -> None:
        """Send a piece of the reply's audio, and keep the places of the words in it (`spans`)."""
        item = self.begin_item(items, say)
        begin_s = self.sent_s
        self.sent_s += len(samples) / rate
        if len(item.spans) < MOST_WORDS:
            item.spans += [(begin_s + span.middle / rate, span.word) for span in spans]
        if self.text_only:
            return
        item.sent_s = self.sent_s
        if self._encoder is None:
            self._encoder = Encoder(self._settings.output_format, rate)
        if delta := self._encoder.encode(samples):
            say("response.output_audio.delta", **self._place(), delta=delta)

    def end(self, record: TurnRecord | None, say: Say) -> None:
        """End the response: send the closing events of its item, and `response.done`."""
        self.done = True
        reason = "" if record is None else REASONS.get(record.stop_reason or "", "")
        status = "incomplete" if reason else "completed"
        if record is not None and record.stop_reason == "error":
            status = "failed"
        if self.cut or (record is not None and record.interrupted):
            status, reason = "cancelled", self.cut or "turn_detected"
        if self.item is not None:
            self._end_item(self.item, status, record, say)
        say("response.done", response=self.as_dict(status, record, reason))

    def _end_item(self, item: Item, status: str, record: TurnRecord | None, say: Say) -> None:
        place = self._place()
        item.open, item.status = False, "completed" if status == "completed" else "incomplete"
        if status == "cancelled" and not self.text_only and record is not None:
            heard = "" if record.taken_back else record.heard
            item.text = heard if self.truncated is None else self.truncated  # what is remembered
        said = item.text or ""
        if self.text_only:
            say("response.output_text.done", **place, text=said)
        else:
            if self._encoder is not None and not self.cut and (rest := self._encoder.encode(_NOTHING, True)):
                say("response.output_audio.delta", **place, delta=rest)
            say("response.output_audio.done", **place)
            say("response.output_audio_transcript.done", **place, transcript=said)
        say("response.content_part.done", **place, part=self._part(said))
        say("conversation.item.done", previous_item_id=item.before, item=item.as_dict())
        say("response.output_item.done", response_id=self.id, output_index=0, item=item.as_dict())
