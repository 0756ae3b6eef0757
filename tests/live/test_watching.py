"""The page's application: its doors, its files, and what is said on its socket."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus

from tests.live.watched import TOKEN, Watcher, client, server
from tests.scripted_agent import REPLY
from vflow.live.feed import Feed
from vflow.live.watch_server import WatchServer
from vflow.live.watching import MOST, build
from vflow.session.session import Session
from vflow.web.doors import Doors


@pytest.fixture
def served(feed: Feed) -> Iterator[WatchServer]:
    with server(feed) as running:
        yield running


def begun(watcher: Watcher) -> Watcher:
    watcher.say("start")
    watcher.until("ready")
    return watcher


def test_the_page_is_served_to_this_machine_alone(feed: Feed) -> None:
    with TestClient(build(feed, Doors(TOKEN)), base_url="http://127.0.0.1:8000") as web:
        page = web.get("/")
        assert page.status_code == 200
        assert "watch.js" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        again = web.get("/watch.js", headers={"if-none-match": web.get("/watch.js").headers["etag"]})
        assert again.status_code == 304
        assert web.get("/index.html").status_code == web.get("/no.js").status_code == 404
        assert web.get("/", headers={"host": "evil.example"}).status_code == 421
        assert web.get("/", headers={"origin": "http://evil.example"}).status_code == 403


def test_a_page_is_told_the_run_and_its_figures(served: WatchServer, session: Session) -> None:
    with client(served) as watcher:
        watcher.say("start")
        assert watcher.until("ready")["file"] == session.graph.file
        assert set(watcher.until("figures")["links"]) == set(session.pipeline.levels())
        session.ask("What about Rome?")
        assert watcher.until("turn_ended")["reply"] == REPLY


def test_a_wrong_token_is_closed(served: WatchServer) -> None:
    with client(served, token="wrong") as watcher:
        assert watcher.closed() == 1008


def test_a_page_of_another_origin_does_not_come_in(served: WatchServer) -> None:
    with pytest.raises(InvalidStatus, match="403"), client(served, origin="http://evil.example"):
        pass


def test_property_changes_and_a_refusal_sends_the_present_value(served: WatchServer) -> None:
    with client(served) as watcher, client(served) as other:
        begun(watcher)
        begun(other)
        watcher.say("set", node="voice", property="speed", value=1.5)
        assert other.until("property")["value"] == 1.5
        watcher.say("set", node="voice", property="speed", value="fast")
        assert "speed" in watcher.until("warning")["text"]
        watcher.say("set", node="voice", property="speed", value=100)
        assert watcher.until("warning")["node"] == "voice"
        assert other.until("property")["value"] == 1.5


def test_other_commands_are_ignored_and_malformed_ones_close(served: WatchServer) -> None:
    with client(served) as watcher:
        begun(watcher).say("interrupt")
        watcher.say("played", turn=1, seconds=1)
        watcher.until("figures")
        watcher.socket.send("{nonsense")
        assert watcher.closed() == 1007


def test_so_many_pages_are_enough(served: WatchServer) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST):
            begun(stack.enter_context(client(served)))
        assert stack.enter_context(client(served)).closed() == 1013


def test_the_end_of_the_run_closes_its_pages(served: WatchServer, session: Session) -> None:
    with client(served) as watcher:
        begun(watcher)
        session.pipeline.stop()
        assert watcher.until("bye")["reason"] == "the run has ended"
        assert watcher.closed() == 1000
