"""Deadlines that uvicorn lacks: headers that never end, sockets that are half open."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from tests.stand_ins import PATIENCE_S
from tests.web.live import QUIET, Live
from vflow.web.deadlines import QUEUED, HttpProtocol, WebSocketProtocol


def connected(live: Live) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", live.port))
    raw.settimeout(PATIENCE_S)
    return raw


def is_closed(raw: socket.socket) -> bool:
    """Read until the server closes."""
    try:
        while raw.recv(4096):
            pass
    except ConnectionResetError:
        return True
    return True


@pytest.mark.parametrize("said", [b"", b"GET /health HTTP/1.1\r\nHost: local"])
def test_a_header_that_never_ends_is_closed(live: Live, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(HttpProtocol, "header_s", 0.2)
    with connected(live) as raw:
        raw.sendall(said)
        assert is_closed(raw)


def test_a_second_header_that_never_ends_is_closed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpProtocol, "header_s", 0.2)
    with connected(live) as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
        raw.sendall(b"GET /health HTT")
        assert is_closed(raw)


def test_a_request_in_time_is_answered_and_a_socket_outlives_the_deadline(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpProtocol, "header_s", 0.2)
    with live.client() as client:
        client.begin()
        client.wait_for("levels")
        client.wait_for("levels")
        client.wait_for("levels")


def test_a_socket_leaves_no_timer_of_its_handshake(live: Live) -> None:
    with live.client() as client:
        client.begin()
        timers = live.loop_timers()
    assert not any("HttpProtocol" in timer for timer in timers)
    assert timers  # the socket's own pings


@pytest.mark.parametrize("said", [b"\x16\x03\x01 no HTTP at all\r\n\r\n", b"GET / HTTP/9\r\n\r\n"])
def test_request_that_is_not_http_is_refused(live: Live, said: bytes) -> None:
    with connected(live) as raw:
        raw.sendall(said)
        assert raw.recv(4096).startswith(b"HTTP/1.1 400")


def test_a_client_that_is_not_read_is_not_blamed_for_its_pongs(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.server.config, "ws_ping_interval", 0.1)
    monkeypatch.setattr(live.server.config, "ws_ping_timeout", 0.2)
    monkeypatch.setattr("vflow.session.Session.push", lambda *_: False)  # there is no room
    monkeypatch.setattr(live.roster, "limits", replace(QUIET, resume_for_s=0))
    with live.client(close_timeout=0.1) as client:
        client.begin()
        for _ in range(50):
            client.socket.send(bytes(640))
        (connection,) = live.server.server_state.connections
        live.until(lambda: connection.queue.qsize() >= QUEUED)
        assert connection.read_paused
        for _ in range(6):
            client.wait_for("levels")
        assert connection.read_paused
    live.until(lambda: not live.roster.guests)
    assert live.closed == {"lost": 1}  # its close frame was not read either


def test_a_half_open_socket_is_closed_by_its_pings(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    config = live.server.config
    monkeypatch.setattr(config, "ws_ping_interval", 0.1)
    monkeypatch.setattr(config, "ws_ping_timeout", 0.2)
    monkeypatch.setattr("vflow.web.deadlines.LINGER_S", 0.1)
    with live.deaf('{"type": "start"}'):
        live.until(lambda: live.closed == {"no_pong": 1})
        live.until(lambda: not live.server.server_state.connections)


def test_protocols_derive_from_uvicorn_s() -> None:
    assert HttpProtocol.header_s == 10.0
    assert WebSocketProtocol.run_asgi is not WebSocketProtocol.__mro__[1].run_asgi  # type: ignore[attr-defined]
