"""The doors: which requests come in, by Host, Origin and token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live
from vflow.web.doors import SECURITY_HEADERS, Doors, host_of, new_token, same

DOORS = Doors("secret-of-a-test", hosts=("Voice.example.org",))
PROXIED = Doors("secret-of-a-test", hosts=("voice.example.org",), any_scheme=True)
WIDE = Doors("secret-of-a-test", addresses=True)


def headers(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]


def status(doors: Doors, *pairs: tuple[str, str], scheme: str = "ws") -> int:
    refusal = doors.refusal(headers(*pairs), scheme)
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("doors", "host", "wanted"),
    [
        (DOORS, "localhost:8080", 200),
        (DOORS, "127.0.0.1", 200),
        (DOORS, "[::1]:8080", 200),
        (DOORS, "voice.example.org", 200),
        (DOORS, "VOICE.EXAMPLE.ORG:443", 200),
        (DOORS, "192.168.0.7:8080", 421),
        (WIDE, "192.168.0.7:8080", 200),
        (WIDE, "[fe80::1]:8080", 200),
        (WIDE, "rebound.example.net", 421),
        (DOORS, "localhost.example.net", 421),
        (DOORS, "example.net", 421),
        (DOORS, "localhost@example.net", 421),
        (DOORS, "localhost/..", 421),
        (DOORS, "localhost:99999", 421),
        (DOORS, "[::1", 421),
        (DOORS, "", 421),
    ],
)
def test_a_host_is_one_that_the_server_goes_by(doors: Doors, host: str, wanted: int) -> None:
    assert status(doors, ("host", host)) == wanted


def test_a_request_has_one_host() -> None:
    assert status(DOORS) == 400
    assert status(DOORS, ("host", "localhost"), ("Host", "localhost")) == 400


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ("http://localhost:8080", 200),
        ("HTTP://localhost:8080", 403),
        ("https://localhost:8080", 403),  # the server speaks http
        ("http://localhost", 403),
        ("http://localhost:8081", 403),
        ("http://evil.example.net", 403),
        ("http://localhost:8080.evil.example.net", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
        ("http://", 403),
    ],
)
def test_a_page_is_of_the_servers_own_origin(origin: str, wanted: int) -> None:
    assert status(DOORS, ("host", "localhost:8080"), ("origin", origin)) == wanted


def test_two_origins_are_refused() -> None:
    own = ("origin", "http://localhost:8080")
    assert status(DOORS, ("host", "localhost:8080"), own, own) == 403


def test_behind_a_proxy_the_page_has_the_proxys_name_and_scheme() -> None:
    page = ("origin", "https://voice.example.org")
    assert status(PROXIED, ("host", "127.0.0.1:8080"), page) == 200
    assert status(PROXIED, ("host", "voice.example.org"), page) == 200
    assert status(PROXIED, ("host", "127.0.0.1:8080"), ("origin", "https://evil.example.net")) == 403
    assert status(DOORS, ("host", "127.0.0.1:8080"), page) == 403


def test_a_page_of_https_is_the_origin_of_a_server_with_a_certificate() -> None:
    page = ("origin", "https://voice.example.org")
    assert status(DOORS, ("host", "voice.example.org"), page, scheme="wss") == 200
    assert status(DOORS, ("host", "voice.example.org"), page, scheme="ws") == 403


@pytest.mark.parametrize(
    ("shown", "subprotocols", "wanted"),
    [
        ("Bearer secret-of-a-test", [], True),
        ("bearer secret-of-a-test", [], True),
        ("", ["vflow.1", "token.secret-of-a-test"], True),
        ("", ["vflow.1"], False),
        ("Bearer secret-of-a-tes", [], False),
        ("Bearer ", ["token."], False),
        ("Basic secret-of-a-test", [], False),
        ("Bearer secret-of-a-test", ["token.other"], False),
        ("", ["token.secret-of-a-test", "token.secret-of-a-test"], False),
    ],
)
def test_a_token_is_shown_once_and_is_the_one(shown: str, subprotocols: list[str], wanted: bool) -> None:
    pairs = [("authorization", shown)] if shown else []
    assert DOORS.admits(headers(*pairs), subprotocols) is wanted


def test_without_a_token_everyone_is_admitted() -> None:
    assert Doors("").admits([], [])


@given(st.text(), st.text())
def test_tokens_are_the_same_where_they_are_equal(shown: str, token: str) -> None:
    assert same(token, token)
    if shown.encode("utf-8", "replace") != token.encode("utf-8", "replace"):
        assert not same(shown, token)


@given(st.text(max_size=60))
def test_no_host_of_any_spelling_raises(text: str) -> None:
    name = host_of(f"//{text}")
    assert name is None or name == name.lower()
    assert DOORS.refusal(headers(("host", text), ("origin", text)), "http") is not None or name is not None


def test_a_new_token_has_256_bits_and_is_safe_in_an_address() -> None:
    tokens = {new_token() for _ in range(10)}
    assert len(tokens) == 10
    assert all(len(token) == 43 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)


def get(live: Live, path: str, **headers: str) -> tuple[int, Any, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{live.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_foreign_hosts_and_origins_are_refused_over_http_and_every_answer_has_the_headers(live: Live) -> None:
    answers = [get(live, "/health"), get(live, "/nothing")]
    answers.append(get(live, "/health", Host="evil.example.net"))
    answers.append(get(live, "/health", Origin="http://evil.example.net"))
    assert [code for code, _, _ in answers] == [200, 404, 421, 403]
    for _, found, _ in answers:
        assert all(found[name.decode()] == value.decode() for name, value in SECURITY_HEADERS)
    assert live.closed == {"host": 1, "origin": 1}


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [("Origin", "http://evil.example.net", 403), ("Origin", "null", 403), ("Host", "evil.example.net", 400)],
)
def test_a_foreign_page_gets_no_socket(live: Live, name: str, value: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as raised, live.client(additional_headers={name: value}):
        pass
    assert raised.value.response.status_code == status  # a second Host, beside the client's own
    assert live.roster.served == 0


@pytest.mark.parametrize("path", ["/ws", "/raw?rate=0", "/v1/realtime", "/nothing"])
@pytest.mark.parametrize("shown", [None, "Bearer wrong", "Bearer ", f"Basic {TOKEN}", "Bearer \u00fc"])
def test_client_that_reads_statuses_gets_401_before_a_socket_opens(
    live: Live, path: str, shown: str | None
) -> None:
    given = {} if shown is None else {"Authorization": shown}
    with (
        pytest.raises(InvalidStatus) as raised,
        connect(f"ws://127.0.0.1:{live.port}{path}", additional_headers=given),
    ):
        pass
    answer = raised.value.response
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.body is not None
    assert b"the token is missing or wrong" in answer.body
    assert live.roster.served == 0
    assert live.closed == {"token": 1}


@pytest.mark.parametrize(
    ("given", "subprotocols"),
    [
        ([("origin", "http://localhost")], []),
        ([], ["vflow.1", "token.wrong"]),
        ([("authorization", "Bearer wrong")], ["openai-insecure-api-key.wrong"]),
        ([("authorization", "Bearer secret-of-a-test")], []),
    ],
)
def test_socket_opens_for_a_browser_that_is_told_in_words_and_for_the_token(
    given: list[tuple[str, str]], subprotocols: list[str]
) -> None:
    assert DOORS.locked(headers(*given), subprotocols) is None
    assert Doors("").locked([], []) is None


def test_a_browser_shows_the_token_as_stock_realtime_clients_do() -> None:
    assert DOORS.admits([], ["realtime", "openai-insecure-api-key.secret-of-a-test"])
    assert not DOORS.admits([], ["realtime", "openai-insecure-api-key.another"])
    assert not DOORS.admits([], ["token.another", "openai-insecure-api-key.secret-of-a-test"])


def test_a_page_of_any_origin_comes_in_where_it_needs_the_key() -> None:
    foreign = headers(("host", "localhost:8080"), ("origin", "https://app.example.net"))
    assert DOORS.refusal(foreign, "ws", by_key=True) is None
    open_doors = Doors("")
    assert open_doors.refusal(foreign, "ws", by_key=True) is not None
    twice = [*foreign, *headers(("origin", "https://app.example.net"))]
    assert DOORS.refusal(twice, "ws", by_key=True) is not None
    rebound = headers(("host", "example.net"), ("origin", "https://example.net"))
    assert DOORS.refusal(rebound, "ws", by_key=True) is not None


def test_a_page_of_another_origin_talks_at_the_realtime_path_alone(live: Live) -> None:
    key: Any = ["realtime", f"openai-insecure-api-key.{TOKEN}"]
    foreign: Any = "https://app.example.net"
    with connect(f"ws://127.0.0.1:{live.port}/v1/realtime", origin=foreign, subprotocols=key) as socket:
        assert json.loads(socket.recv(PATIENCE_S))["type"] == "session.created"
    for path in ("/ws", "/raw"):
        with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{live.port}{path}", origin=foreign):
            pass
