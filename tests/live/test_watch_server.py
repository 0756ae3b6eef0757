"""The server beside a run: it begins with it, and holds its end up for nobody."""

from __future__ import annotations

import socket
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.live.watched import client, server
from tests.stand_ins import PATIENCE_S
from vflow.errors import VflowError
from vflow.live.feed import Feed
from vflow.live.watch_server import WatchServer


def test_its_address_is_of_this_machine_and_has_a_token(feed: Feed) -> None:
    with WatchServer(feed) as served, WatchServer(feed) as other:
        assert served.url.startswith("http://127.0.0.1:")
        address, _, token = served.url.partition("#token=")
        assert len(token) > 40
        assert token not in other.url
        with urlopen(address, timeout=PATIENCE_S) as page:
            assert page.status == 200


def test_another_host_is_told_which_it_goes_by(feed: Feed) -> None:
    with WatchServer(feed) as served:
        asked = Request(served.url.partition("#")[0], headers={"Host": "evil.example"})
        with pytest.raises(HTTPError, match="421") as caught:
            urlopen(asked, timeout=PATIENCE_S)
        with caught.value as refused:
            assert b"127.0.0.1 or localhost" in refused.read()


def test_a_port_that_is_taken_is_a_sentence(feed: Feed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(VflowError, match="give another --watch PORT, or 0 for a free one"):
            WatchServer(feed, taken.getsockname()[1])


def test_an_open_page_does_not_hold_its_end_up(feed: Feed) -> None:
    with server(feed) as served, client(served) as watcher:
        watcher.say("start")
        watcher.until("figures")
        served.__exit__()
        assert not served._thread.is_alive()
        assert watcher.closed()
