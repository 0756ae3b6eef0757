"""The user's speech: the input buffer, and the items that are made of it."""

from __future__ import annotations

from collections import deque

from vflow.report.turn import TurnRecord
from vflow.web.commands import Command, Press, Release, Sound
from vflow.web.realtime.audio import RATES, decode
from vflow.web.realtime.dialogue import Dialogue
from vflow.web.realtime.items import Item
from vflow.web.realtime.messages import Refused
from vflow.web.realtime.responses import Responses

LEAST_S, MOST_S = 0.1, 30.0
"""Of audio that is committed by the client."""
SHORTEST_S, TAIL_S = 0.3, 0.04
"""Silence makes what is shorter so long, and follows all: a graph's button overlooks a short press, and a
detector rates windows of 32 ms."""
KEPT = 64
"""Turns that are remembered, the newest."""
EMPTY = "the input audio buffer holds {ms} ms of audio; at least 100 ms are wanted"


class Speech:
    """Of one dialogue."""

    def __init__(self, dialogue: Dialogue, responses: Responses) -> None:
        self._dialogue, self._responses = dialogue, responses
        self._buffer = bytearray()
        self._buffer_rate = 0
        self._committed: deque[Item] = deque()  # by the client, and not heard by the graph yet
        self._items: dict[int, Item] = {}
        self._lasts_s: dict[int, float] = {}  # how long each turn is
        self._speaks: int | None = None  # the turn that the user speaks
        self._removed: set[int] = set()  # turns that the client has deleted
        self._aside_s = (
            0.0  # audio of the client's that the graph was not given, less what it was given besides
        )

    @property
    def pending(self) -> bool:
        """Whether something was committed that the graph has not begun to hear."""
        return bool(self._committed)

    @property
    def unheard(self) -> bool:
        """Whether something was committed that is not in the history yet."""
        return bool(self._committed) or any(item.open for item in self._items.values())

    # from the client

    def append(self, audio: str) -> list[Command]:
        """Take audio. Raises: Refused."""
        if not self._dialogue.agent.hears:
            raise Refused("unsupported_value", "this graph takes no audio; write to it", "type")
        kind = self._dialogue.settings.input_format
        try:
            pcm16 = decode(kind, audio)
        except ValueError as error:
            raise Refused("invalid_value", str(error), "audio") from None
        rate = RATES[kind]
        if not self._dialogue.by_client:
            return [Sound(pcm16, rate)] if pcm16 else []
        if rate != self._buffer_rate:
            self._buffer.clear()
            self._buffer_rate = rate
        if len(self._buffer) + len(pcm16) > MOST_S * rate * 2:
            raise Refused("input_audio_buffer_full", f"at most {MOST_S:g} s wait for a commit", "audio")
        self._buffer += pcm16
        return []

    def clear(self) -> None:
        """Forget what was not committed. What a detector has heard cannot be unheard."""
        if self._dialogue.by_client and self._buffer:
            self._aside_s += len(self._buffer) / 2 / self._buffer_rate
            self._buffer.clear()
        self._dialogue.say("input_audio_buffer.cleared")

    def commit(self) -> list[Command]:
        """Make an item of what is in the buffer. Raises: Refused."""
        if not self._dialogue.by_client:
            if self._speaks is None:
                raise Refused("input_audio_buffer_commit_empty", "nothing is said that could be committed")
            return [Release()]
        lasts_s = len(self._buffer) / 2 / (self._buffer_rate or 1)
        if lasts_s < LEAST_S:
            raise Refused("input_audio_buffer_commit_empty", EMPTY.format(ms=round(lasts_s * 1000)))
        silent_s = max(0.0, SHORTEST_S - lasts_s) + TAIL_S
        self._aside_s -= silent_s
        rate = self._buffer_rate
        pcm16 = bytes(self._buffer) + bytes(2 * round(silent_s * rate))
        self._buffer.clear()
        item = Item("user", "input_audio", 0, open=True)
        self._committed.append(item)
        self._commit(item)
        return [Press(), Sound(pcm16, rate), Release()]

    def remove(self, item: Item) -> None:
        """The client has deleted an item of what was said."""
        if item.open:
            self._removed.add(item.turn)

    def _commit(self, item: Item) -> None:
        before = item.before = self._dialogue.items.add(item)
        self._dialogue.say("input_audio_buffer.committed", previous_item_id=before, item_id=item.id)
        self._dialogue.say("conversation.item.added", previous_item_id=before, item=item.as_dict())
        self._dialogue.say("conversation.item.done", previous_item_id=before, item=item.as_dict())

    # from the graph

    def began(self, turn: int, at_s: float) -> None:
        """The user has begun to speak."""
        if self._dialogue.by_client:
            item = self._committed.popleft() if self._committed else None
            if item is not None:
                item.turn = turn
                self._keep(item, at_s)
        else:
            item = Item("user", "input_audio", turn, open=True)
            self._keep(item, at_s)
            self._speaks = turn
            self._dialogue.say(
                "input_audio_buffer.speech_started", audio_start_ms=self._ms(at_s), item_id=item.id
            )
        self._responses.settle()

    def finished(self, turn: int, at_s: float) -> None:
        """The user has finished."""
        item = self._items.get(turn)
        if item is None:
            return
        self._lasts_s[turn] = max(0.0, at_s - self._lasts_s[turn])
        if self._speaks == turn:
            self._speaks = None
            self._dialogue.say(
                "input_audio_buffer.speech_stopped", audio_end_ms=self._ms(at_s), item_id=item.id
            )
            self._commit(item)
        detection = self._dialogue.settings.detection
        creates = detection is not None and detection.create_response is not False
        if creates or self._dialogue.agent.knob("answers") is None:
            self._responses.begin(turn)

    def heard(self, turn: int, text: str) -> None:
        """Take the words of an utterance."""
        item = self._items.get(turn)
        if item is None or item.text is not None:
            return
        item.text = text
        if self._dialogue.settings.transcription is not None and turn not in self._removed:
            place = {"item_id": item.id, "content_index": 0}
            kind = "conversation.item.input_audio_transcription"
            if text:
                self._dialogue.say(f"{kind}.delta", **place, delta=text)
            usage = {"type": "duration", "seconds": round(self._lasts_s.get(turn, 0.0), 3)}
            self._dialogue.say(f"{kind}.completed", **place, transcript=text, usage=usage)

    def ended(self, record: TurnRecord) -> None:
        """A turn is over: what was said is in the history."""
        item = self._items.get(record.number)
        if item is None or not item.open or self._speaks == record.number:
            return
        item.open = False
        if record.number in self._removed:
            self._removed.discard(record.number)
            self._dialogue.agent.forget("user", record.number)
        elif item.text is None and self._dialogue.settings.transcription is not None:
            text = "this graph writes nothing down of what is said"
            self._dialogue.say(
                "conversation.item.input_audio_transcription.failed",
                item_id=item.id,
                content_index=0,
                error={"type": "server_error", "code": "no_transcript", "message": text},
            )

    def _keep(self, item: Item, at_s: float) -> None:
        self._items[item.turn], self._lasts_s[item.turn] = item, at_s
        while len(self._items) > KEPT:
            oldest = next(iter(self._items))
            del self._items[oldest], self._lasts_s[oldest]

    def _ms(self, at_s: float) -> int:
        """Where a moment lies in all audio that the client has sent."""
        return max(0, round((at_s + self._aside_s) * 1000))
