"""Take the user's speech: keep the input buffer, and make items of utterances."""

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
"""Shortest and longest audio that a client may commit."""
SHORTEST_S, TAIL_S = 0.3, 0.04
"""Committed audio is padded with silence to SHORTEST_S, for a graph's button ignores a short press; TAIL_S of
silence follows, for a detector rates windows of 32 ms."""
KEPT = 64
"""How many of the newest turns are remembered."""
EMPTY = "the input audio buffer holds {ms} ms of audio; a commit needs at least 100 ms"


class Speech:
    """The user's speech in one dialogue."""

    def __init__(self, dialogue: Dialogue, responses: Responses) -> None:
        self._dialogue, self._responses = dialogue, responses
        self._buffer = bytearray()
        self._buffer_rate = 0
        self._committed: deque[Item] = deque()  # committed by the client, and not heard by the graph yet
        self._items: dict[int, Item] = {}
        self._lasts_s: dict[int, float] = {}  # of each turn: when it began, and once it is over its length
        self._speaks: int | None = None  # the turn in which the user is speaking
        self._removed: set[int] = set()  # turns whose items the client has deleted
        self._aside_s = 0.0  # seconds of the client's audio not given to the graph, less those of padding

    @property
    def pending(self) -> bool:
        """Whether the graph has not begun to hear all audio that was committed."""
        return bool(self._committed)

    @property
    def unheard(self) -> bool:
        """Whether an utterance is not in the history yet."""
        return bool(self._committed) or any(item.open for item in self._items.values())

    # from the client

    def append(self, audio: str) -> list[Command]:
        """Take audio in base64: pass it on to the detector, or buffer it for a commit. Raises: Refused."""
        if not self._dialogue.agent.hears:
            raise Refused("unsupported_value", "this graph takes no audio; send text items", "type")
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
            raise Refused("input_audio_buffer_full", f"commit first: at most {MOST_S:g} s can wait", "audio")
        self._buffer += pcm16
        return []

    def clear(self) -> None:
        """Empty the buffer. Audio that went to a detector cannot be taken back."""
        if self._dialogue.by_client and self._buffer:
            self._aside_s += len(self._buffer) / 2 / self._buffer_rate
            self._buffer.clear()
        self._dialogue.say("input_audio_buffer.cleared")

    def commit(self) -> list[Command]:
        """Make an item of the buffer and have the graph hear it; with turn detection, end the utterance that
        is going on. Return the commands for that. Raises: Refused if there is no audio."""
        if not self._dialogue.by_client:
            if self._speaks is None:
                raise Refused("input_audio_buffer_commit_empty", "nobody is speaking; nothing to commit")
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
        """Note that the client has deleted an item: if its turn goes on, its words are forgotten later."""
        if item.open:
            self._removed.add(item.turn)

    def _commit(self, item: Item) -> None:
        before = item.before = self._dialogue.items.add(item)
        self._dialogue.say("input_audio_buffer.committed", previous_item_id=before, item_id=item.id)
        self._dialogue.say("conversation.item.added", previous_item_id=before, item=item.as_dict())
        self._dialogue.say("conversation.item.done", previous_item_id=before, item=item.as_dict())

    # from the graph

    def began(self, turn: int, at_s: float) -> None:
        """Take the begin of an utterance: make an item, or find the committed one."""
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
        """Take the end of an utterance: commit its item, and begin the response if one is due."""
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
        """Take the words of an utterance, and send its transcript."""
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
        """Take the end of a turn: its utterance is in the history now."""
        item = self._items.get(record.number)
        if item is None or not item.open or self._speaks == record.number:
            return
        item.open = False
        if record.number in self._removed:
            self._removed.discard(record.number)
            self._dialogue.agent.forget("user", record.number)
        elif item.text is None and self._dialogue.settings.transcription is not None:
            text = "this graph does not transcribe speech"
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
        """Return the place of a moment in all audio that the client has sent, in ms. `at_s` is its place in
        the audio that the graph was given."""
        return max(0, round((at_s + self._aside_s) * 1000))
