"""Messages: posted now, after the flush under way, or at the commit of their turn."""

from __future__ import annotations

import threading

from vflow import Bus, Message, SpeechStart, SystemClock, TextPacket
from vflow.graph.secrets import Secrets
from vflow.runtime.announcer import Announcer
from vflow.runtime.speculation import Speculation


class Told:
    """An announcer, and the messages that its listeners got."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        bus, clock = Bus(), SystemClock()
        bus.listen(self.messages.append)
        self.speculation = Speculation(frozenset(["reply"]), clock.now_ns)
        self.announcer = Announcer(bus, clock, self.speculation)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


def test_only_messages_of_the_flushing_thread_are_held_back() -> None:
    told = Told()
    with told.announcer.holding() as held:
        told.announcer.say("warning", "of the flush")
        other = threading.Thread(target=told.announcer.say, args=("warning", "of another thread"))
        other.start()
        other.join()
    told.announcer.say("warning", "later")
    assert [message.text for message in held] == ["of the flush"]
    assert told.texts == ["of another thread", "later"]


def test_nothing_is_held_back_after_a_flush_that_raised() -> None:
    told = Told()
    try:
        with told.announcer.holding():
            raise ValueError
    except ValueError:
        told.announcer.say("warning", "after")
    assert told.texts == ["after"]


def test_words_of_a_speculative_turn_are_posted_at_its_commit() -> None:
    told = Told()
    told.speculation.begin(1)
    told.announcer.announce("reply", 0, TextPacket(text="early", turn=1), "words")
    told.announcer.announce("ear", 0, TextPacket(text="of no reply", turn=1), "transcript")
    assert told.texts == ["of no reply"]
    told.speculation.commit(1, lambda: None, told.announcer.post)
    assert told.texts == ["of no reply", "early"]


def test_event_is_posted_with_its_name_and_port() -> None:
    told = Told()
    event = SpeechStart(turn=3)
    told.announcer.announce("vad", 0, event, "speech")
    (message,) = told.messages
    assert (message.kind, message.source, message.text) == ("event", "vad", "speech_start")
    assert message.data == {"event": event, "port": "speech"}


def test_values_from_the_environment_are_hidden_in_messages_for_people() -> None:
    messages: list[Message] = []
    bus, clock = Bus(), SystemClock()
    bus.listen(messages.append)
    speculation = Speculation(frozenset(), clock.now_ns)
    announcer = Announcer(bus, clock, speculation, Secrets({"s3cr3t": "${KEY}"}))
    announcer.warn("n", "no s3cr3t.bin")
    announcer.say("progress", "loading s3cr3t", "n", fraction=None)
    announcer.post(Message("stats", "n", 0, "", {"model": "s3cr3t", "calls": 3}))
    announcer.announce("n", 0, TextPacket(text="s3cr3t", turn=1), "words")
    assert [m.text for m in messages] == ["no ${KEY}.bin", "loading ${KEY}", "", "s3cr3t"]
    assert messages[2].data == {"model": "${KEY}", "calls": 3}
