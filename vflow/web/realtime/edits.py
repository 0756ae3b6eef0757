"""Carry out a client's changes to the conversation: add, look up, cut and remove items."""

from __future__ import annotations

from vflow.web.commands import Command
from vflow.web.realtime.dialogue import Dialogue
from vflow.web.realtime.items import Item
from vflow.web.realtime.messages import Create, NewItem, Refused, Truncate
from vflow.web.realtime.responses import Responses
from vflow.web.realtime.speech import Speech

TEXTS = {"user": ("input_text",), "system": ("input_text",), "assistant": ("output_text", "text")}
"""Types of content that an item may have, by its role."""
MOST_LETTERS = 1_000_000
"""Most letters of all items that a client adds. It bounds a session's memory; no model takes as many."""
SLACK_MS = 100
"""How far `audio_end_ms` of a client may lie beyond the audio that it was sent."""


class Edits:
    """The changes to one dialogue. Methods raise Refused if a change cannot be made."""

    def __init__(self, dialogue: Dialogue, responses: Responses, speech: Speech) -> None:
        self._dialogue, self._responses, self._speech = dialogue, responses, speech
        self._letters = 0

    def create(self, event: Create) -> None:
        """Add an item at the end."""
        dialogue, given = self._dialogue, event.item
        text = _text_of(given)
        role = given.role
        assert role is not None
        last = dialogue.items.last()
        if event.previous_item_id not in (None, last, *(("root",) if last is None else ())):
            at = "items are added at the end here; leave 'previous_item_id' out"
            raise Refused("unsupported_value", at, "previous_item_id")
        if given.id is not None and dialogue.items.get(given.id) is not None:
            raise Refused("item_create_duplicate_id", f"an item {given.id!r} exists already", "item.id")
        if self._letters + len(text) > MOST_LETTERS:
            text = f"a client may write {MOST_LETTERS:,} letters; delete items first"
            raise Refused("conversation_too_long", text, "item.content")
        self._letters += len(text)
        item = Item(role, TEXTS[role][0], dialogue.next_turn(), text)
        if given.id is not None:
            item.id = given.id
        if role == "system":
            dialogue.mapping.note(dialogue.settings, item.id, text)
        elif role == "user" and dialogue.agent.knob("answers") is None:
            self._responses.texts.append(text)
        else:
            dialogue.agent.remember(role, text, item.turn)
        item.before = dialogue.items.add(item)
        for kind in ("added", "done"):
            dialogue.say(f"conversation.item.{kind}", previous_item_id=item.before, item=item.as_dict())

    def retrieve(self, item_id: str) -> None:
        """Send an item as it stands in the history."""
        self._dialogue.say("conversation.item.retrieved", item=self._item(item_id, "retrieve").as_dict())

    def delete(self, item_id: str) -> None:
        """Remove an item from the history."""
        item = self._item(item_id, "delete")
        if item.role == "assistant" and item.open:
            text = f"the item {item_id!r} is still being written; cancel its response first"
            raise Refused("item_delete_in_progress", text, "item_id")
        if item.role == "system":
            self._dialogue.mapping.note(self._dialogue.settings, item.id, None)
        else:
            self._dialogue.agent.forget(item.role, item.turn)
        if item.turn < 0:
            self._letters -= len(item.text or "")
        self._speech.remove(item)
        self._dialogue.items.remove(item)
        self._dialogue.say("conversation.item.deleted", item_id=item.id)

    def truncate(self, event: Truncate) -> list[Command]:
        """Cut a reply to the part that the client has played; the history keeps only that. Return the command
        that stops a reply that still goes on, if it does."""
        item = self._item(event.item_id, "truncate")
        if item.role != "assistant" or item.content != "output_audio":
            raise Refused("invalid_value", "only an assistant's audio can be truncated", "item_id")
        if event.content_index != 0:
            raise Refused("invalid_value", "each item has one part: content_index must be 0", "content_index")
        sent_ms = round(item.sent_s * 1000)
        if event.audio_end_ms > sent_ms + SLACK_MS:
            text = f"audio of {sent_ms} ms is already shorter than {event.audio_end_ms} ms"
            raise Refused("invalid_value", text, "audio_end_ms")
        active = self._responses.active
        commands: list[Command] = []
        item.sent_s = min(item.sent_s, event.audio_end_ms / 1000)
        item.text = item.heard(item.sent_s)
        if active is not None and active.item is item:
            active.truncated = item.text
            if not active.cut:
                commands = self._responses.cancel(None)
        self._dialogue.agent.settle(item.turn, item.text)
        self._dialogue.say(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=event.audio_end_ms,
        )
        return commands

    def _item(self, item_id: str, verb: str) -> Item:
        item = self._dialogue.items.get(item_id)
        if item is None:
            text = f"no item {item_id[:100]!r} to {verb}"
            raise Refused(f"item_{verb}_invalid_item_id", text, "item_id")
        return item


def _text_of(given: NewItem) -> str:
    """Return the text of a client's item. Raises: Refused if it is no message, or holds no text."""
    if given.type != "message":
        text = f"only items of type 'message' work here, not {given.type!r}: the generator calls no functions"
        raise Refused("unsupported_value", text, "item.type")
    if given.role is None:
        raise Refused("missing_required_parameter", "a message needs a role", "item.role")
    for at, part in enumerate(given.content):
        if part.type not in TEXTS[given.role]:
            wanted = TEXTS[given.role][0]
            text = f"content of type {part.type!r} is not accepted for this role; use {wanted!r}"
            raise Refused("unsupported_value", text, f"item.content[{at}].type")
    text = "\n".join(part.text for part in given.content if part.text)
    if not text.strip():
        raise Refused("missing_required_parameter", "the message has no text", "item.content")
    return text
