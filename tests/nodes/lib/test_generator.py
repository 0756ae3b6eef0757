"""The base of the generators: the history as heard. Replies are tested with each of them."""

from __future__ import annotations

from collections.abc import Iterator

from vflow import Harness, In, Text, TextPacket, TurnEnd
from vflow.flush import Played
from vflow_nodes.lib.generator import Emission, Generator


class Parrot(Generator):
    """Replies with the question."""

    text = In(Text("final"))

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        self.ctx.conversation.append("user", packet.text, packet.turn)
        self.answered(packet.turn, packet.text, [])
        self._tell("habit", "it repeats")
        yield self.words, self.ended(packet.turn, 1, "eos", {"thought_tokens": 2})


def test_a_generator_ends_a_turn_and_warns_once_of_a_habit() -> None:
    with Harness(Parrot()) as harness:
        ends = harness.push(TextPacket(text="Polly", turn=1))
        harness.push(TextPacket(text="Polly", turn=2))
        assert ends == [TurnEnd(turn=1, meta={"tokens": 1, "stop_reason": "eos", "thought_tokens": 2})]
        assert [m.text for m in harness.messages if m.kind == "warning"] == ["it repeats"]


def test_an_interruption_cuts_the_history_to_what_was_heard_and_drops_replies_after_it() -> None:
    with Harness(Parrot()) as harness:
        harness.push(TextPacket(text="one two", turn=1))
        harness.push(TextPacket(text="three", turn=2))
        harness.cancel(2, played=(Played(turn=1, samples=9, rate=16000, heard="one", words=1),))
        assert [(e.role, e.text) for e in harness.conversation.entries()] == [
            ("user", "one two"), ("assistant", "one"), ("user", "three"),
        ]  # fmt: skip


def test_a_turn_that_was_taken_back_leaves_the_history() -> None:
    with Harness(Parrot()) as harness:
        harness.push(TextPacket(text="one", turn=1))
        harness.retracted(1)
        assert harness.conversation.entries() == ()


def test_a_text_to_say_is_a_reply_of_its_own() -> None:
    with Harness(Parrot()) as harness:
        items = harness.push(TextPacket(text="Good day.", turn=1), "say")
        assert [item.text for item in items if isinstance(item, TextPacket)] == ["Good", "day."]
        assert harness.conversation.messages() == [{"role": "assistant", "content": "Good day."}]


class Prompted(Parrot):
    """Replies with its instructions and the whole history."""

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        if self.enter(packet, packet.turn):
            said = [self.instructions or "itself", *(message["content"] for message in self.history())]
            self.answered(packet.turn, " ".join(said), [])
        yield self.words, self.ended(packet.turn, 1, "eos")


def entries(harness: Harness) -> list[tuple[str, str]]:
    return [(entry.role, entry.text) for entry in harness.conversation.entries()]


def test_a_prompt_answers_the_history_by_instructions_of_its_own() -> None:
    with Harness(Prompted()) as harness:
        meta = {"prompted": True, "instructions": "a pirate"}
        harness.push(TextPacket(text="", turn=1, meta=meta))
        harness.push(TextPacket(text="", turn=2, meta={"prompted": True}))
        harness.push(TextPacket(text="Why?", turn=3))
        assert entries(harness) == [
            ("assistant", "a pirate Hello."),
            ("assistant", "itself a pirate Hello. Go on."),
            ("user", "Why?"),
            ("assistant", "itself a pirate Hello. itself a pirate Hello. Go on. Why?"),
        ]


def test_unanswered_utterance_is_kept_in_the_history() -> None:
    with Harness(Prompted()) as harness:
        harness.node.answers = False
        harness.push(TextPacket(text="Why?", turn=1))
        harness.push(TextPacket(text=" ", turn=2))
        assert entries(harness) == [("user", "Why?")]
        harness.push(TextPacket(text="", turn=3, meta={"prompted": True}))
        assert entries(harness)[1:] == [("assistant", "itself Why?")]
