"""`chat.openai` in a pipeline: what an interruption does to a request, and a request to the clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests import remote_server as remote
from tests.remote_server import Exchange, chunk, reply, serve
from tests.stand_ins import PATIENCE_S, pipeline
from vflow import SECOND, ManualClock, Message, Node, Out, Packet, Text, TextPacket, TurnEnd

GRAPH = """
nodes:
  asks: {use: t.asks}
  chat: {use: chat.openai, base_url: '%s', model: tiny, retries: 0}
  end:  {use: 'null'}
links: [asks -> chat -> end]
"""


class Asks(Node):
    """Asks, and interrupts the answer as soon as `go` is set."""

    live = True
    out = Out(Text("final"))
    go: threading.Event

    def produce(self) -> Iterator[Packet | None]:
        yield TextPacket(text="Hello?", turn=1)
        self.go.wait(PATIENCE_S)
        self.ctx.interrupt(1)
        yield TextPacket(text="And now?", turn=2)


@pytest.mark.parametrize("answer", [remote.silent, remote.waits("Hello ")], ids=["no answer", "a word"])
def test_an_interruption_closes_the_request_and_the_next_turn_is_answered(
    answer: remote.Answer,
) -> None:
    with serve(answer, reply("Fine.")) as server:

        class Asking(Asks):
            go = server.came

        with pipeline(GRAPH % server.url, asks=Asking) as running:
            ended: list[TurnEnd] = []
            running.bus.listen(lambda message: ended.extend(
                [message.data["event"]] if isinstance(message.data.get("event"), TurnEnd) else []
            ))  # fmt: skip
            assert server.left.wait(PATIENCE_S)
            assert running.wait(PATIENCE_S)
    assert [asked.json["messages"][-1]["content"] for asked in server.asked] == ["Hello?", "Hello? And now?"]
    assert [(end.turn, end.meta["stop_reason"]) for end in ended] == [(2, "eos")]


class AsksOnce(Node):
    """Asks, and waits for an hour: a virtual clock may be there at once."""

    out = Out(Text("final"))

    def produce(self) -> Iterator[Packet | None]:
        yield TextPacket(text="Hello?", turn=1)
        self.ctx.wait_until(3600 * SECOND)


def test_a_virtual_clock_holds_still_while_a_request_is_out() -> None:
    times: list[int] = []

    def keep(message: Message) -> None:
        if isinstance(message.data.get("event"), TurnEnd):
            times.append(message.at_ns)

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        exchange.server.remote.over.wait(0.3)  # the server's own time
        exchange.write(chunk("Hi.") + chunk(reason="stop") + remote.DONE)

    with serve(answer) as server, pipeline(GRAPH % server.url, ManualClock(), asks=AsksOnce) as running:
        running.bus.listen(keep)
        assert running.wait(PATIENCE_S)
    assert times == [0]
