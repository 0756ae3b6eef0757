"""`chat.openai` in a pipeline: what an interruption does to a request, and a request to the clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests import remote_server as remote
from tests.remote_server import Exchange, chunk, reply, serve
from tests.stand_ins import PATIENCE_S, pipeline
from vflow import (
    SECOND,
    Event,
    In,
    ManualClock,
    Message,
    Node,
    Out,
    Packet,
    Pause,
    Resume,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    TurnEnd,
)

GRAPH = """
nodes:
  asks: {use: t.asks}
  chat: {use: chat.openai, base_url: '%s', model: tiny, retries: 0}
  end:  {use: 'null'}
links: [asks -> chat -> end]
"""


class Asks(Node):
    """Asks, and interrupts the reply as soon as `go` is set."""

    live = True
    out = Out(Text("final"))
    go: threading.Event

    def produce(self) -> Iterator[Packet | None]:
        yield TextPacket(text="Hello?", turn=1)
        self.go.wait(PATIENCE_S)
        self.ctx.interrupt(1)
        yield TextPacket(text="And now?", turn=2)


@pytest.mark.parametrize("word", [False, True], ids=["no answer", "a word"])
def test_an_interruption_closes_the_request_and_the_next_turn_is_answered(word: bool) -> None:
    heard = threading.Event()
    ends: list[TurnEnd] = []

    def listen(message: Message) -> None:
        if message.source == "chat" and message.kind == "packet":
            heard.set()
        if isinstance(end := message.data.get("event"), TurnEnd):
            ends.append(end)

    with serve(remote.waits("Hello ") if word else remote.silent, reply("Fine.")) as server:

        class Asking(Asks):
            go = heard if word else server.came

        with pipeline(GRAPH % server.url, asks=Asking) as running:
            running.bus.listen(listen)
            assert server.left.wait(PATIENCE_S)
            assert running.wait(PATIENCE_S)
    said = [[message["content"] for message in asked.json["messages"][1:]] for asked in server.asked]
    assert said == [["Hello?"], ["Hello?", "Hello", "And now?"] if word else ["Hello? And now?"]]
    assert [(end.turn, end.meta["stop_reason"]) for end in ends] == [(2, "eos")]


class Speaks(Node):
    """A user who pauses, speaks on as soon as `go` is set, and then ends the turn."""

    live = True
    out = Out(Text("final"))
    go: threading.Event

    def produce(self) -> Iterator[Packet | Event | None]:
        yield SpeechStart(turn=1)
        self.ctx.speculate(1)
        yield Pause(turn=1, pts_ns=1)
        self.go.wait(PATIENCE_S)
        self.ctx.retract(1, 2)
        yield Resume(turn=1, pts_ns=2)
        self.ctx.commit(1)
        yield SpeechEnd(turn=1, pts_ns=3)


class Hears(Node):
    """Transcribes at the end, and at the pause if it may."""

    heavy = True
    speculates = True
    text = In(Text("final"))
    out = Out(Text("final"))

    def process(self, packet: TextPacket) -> None:
        return None

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, Pause) and self.ctx.speculative(event):
            yield TextPacket(text="Hello", turn=1)
        elif isinstance(event, SpeechEnd):
            yield TextPacket(text="Hello you.", turn=1)


SPOKEN = """
nodes:
  speaks: {use: t.speaks}
  hears: {use: t.hears}
  chat: {use: chat.openai, base_url: '%s', model: tiny, retries: 0, speculate: %s}
  end:  {use: 'null'}
links: [speaks -> hears -> chat.text, chat -> end]
"""


def test_a_request_in_advance_is_closed_when_the_user_speaks_on() -> None:
    with serve(remote.waits("Hello "), reply("Fine.")) as server:

        class Speaking(Speaks):
            go = server.came

        with pipeline(SPOKEN % (server.url, "true"), speaks=Speaking, hears=Hears) as running:
            assert server.left.wait(PATIENCE_S)
            assert running.wait(PATIENCE_S)
    said = [[message["content"] for message in asked.json["messages"][1:]] for asked in server.asked]
    assert said == [["Hello"], ["Hello you."]]


def test_without_speculate_a_pause_costs_no_request() -> None:
    class Speaking(Speaks):
        go = threading.Event()

    Speaking.go.set()
    with serve(reply("Fine.")) as server:
        with pipeline(SPOKEN % (server.url, "false"), speaks=Speaking, hears=Hears) as running:
            assert running.wait(PATIENCE_S)
        assert [asked.json["messages"][-1]["content"] for asked in server.asked] == ["Hello you."]


class AsksOnce(Node):
    """Asks, and waits for an hour, which a virtual clock may skip."""

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
