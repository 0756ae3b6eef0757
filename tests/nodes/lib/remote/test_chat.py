"""The base of the generators with a remote model: a reply may have more after its words."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from tests.remote_server import error, reply, serve
from vflow import Harness, In, Text, TextPacket, TurnEnd
from vflow_nodes.lib.generator import Emission
from vflow_nodes.lib.remote.chat import RemoteChat


class Signs(RemoteChat):
    """Emits one more packet after a reply's last word."""

    text = In(Text("final"))

    async def process_text(self, packet: TextPacket) -> AsyncGenerator[Emission, None]:
        async for emission in self.reply(
            packet.turn, [{"role": "user", "content": packet.text}], {"tone": "calm"}
        ):
            yield emission

    async def finished(self, turn: int) -> AsyncGenerator[Emission, None]:
        yield self.words, TextPacket(text="Yours.", index=9, turn=turn)


def test_extra_packets_come_between_last_word_and_turn_end() -> None:
    with serve(reply("Hi."), error(500, "boom")) as server:
        node = Signs(base_url=server.url, model="tiny", retries=0)
        with Harness(node) as harness:
            for turn, reason in ((1, "eos"), (2, "error")):
                harness.pull()
                *words, end = harness.push(TextPacket(text="Hello?", turn=turn))
                said = [word.text for word in words if isinstance(word, TextPacket)]
                assert said == ["Hi.", "Yours."][turn - 1 :]
                assert isinstance(end, TurnEnd)
                assert end.meta["stop_reason"] == reason
            assert [(e.role, e.text) for e in harness.conversation.entries()] == [("assistant", "Hi.")]


def test_the_meta_of_a_reply_is_on_each_word() -> None:
    with serve(reply("Hi.")) as server:
        node = Signs(base_url=server.url, model="tiny")
        with Harness(node) as harness:
            word = harness.push(TextPacket(text="Hello?", turn=1))[0]
            assert isinstance(word, TextPacket)
            assert word.meta["tone"] == "calm"
