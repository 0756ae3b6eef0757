"""The server: its socket, its certificate, and how it stops."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import pytest

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from tests.web.live import Live, agent
from vflow.errors import VflowError
from vflow.web.server import Place, bind, configure

CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout both.pem -out both.pem -days 2 -subj /CN=localhost"
)


async def nothing(scope: object, receive: object, send: object) -> None:
    return None


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(VflowError) as raised:
            bind(Place("127.0.0.1", port))
    assert str(raised.value) == (
        f"cannot listen at 127.0.0.1, port {port}: Address already in use; "
        "give another --port, or 0 for a free one"
    )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300, "::zz"])
def test_invalid_host_is_named(host: str) -> None:
    with pytest.raises(VflowError, match=r"cannot listen at .*; give another --host"):
        bind(Place(host, 0))


def test_invalid_certificate_is_named(tmp_path: Path) -> None:
    pem = tmp_path / "cert.pem"
    with pytest.raises(VflowError, match=r"the certificate .*cert\.pem cannot be used: No such file"):
        configure(nothing, Place("127.0.0.1", 0, str(pem), str(pem)), 1)
    pem.write_text("no certificate")
    with pytest.raises(VflowError, match=r"the certificate .*cert\.pem cannot be used"):
        configure(nothing, Place("127.0.0.1", 0, str(pem), str(pem)), 1)


def test_a_tls_handshake_that_does_not_go_on_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vflow.web.server.HANDSHAKE_S", 0.2)
    subprocess.run(CERTIFICATE.split(), cwd=tmp_path, check=True, capture_output=True)
    with (
        agent(tmp_path) as preloaded,
        Live(preloaded, certificate=tmp_path / "both.pem") as live,
        socket.create_connection(("127.0.0.1", live.port), PATIENCE_S) as slow,
    ):
        slow.sendall(b"\x16\x03\x01")  # the beginning of a hello
        assert slow.recv(1) == b""


def test_a_second_signal_ends_a_reply_that_is_spoken(tmp_path: Path) -> None:
    with agent(tmp_path, word_ms=5_000) as preloaded, Live(preloaded) as live, live.client() as client:
        client.begin()
        client.say("ask", text="go on")
        client.wait_for("state", state="speaking")
        live.stop()
        live.until(live.roster.stopping.is_set)
        live.stop()
        assert client.closed()[0] in (1001, 1012)


def test_a_server_that_nobody_talks_with_stops_at_once(tmp_path: Path) -> None:
    with agent(tmp_path) as preloaded, Live(preloaded) as live, live.client() as client:
        client.begin()
        live.stop()
        assert client.closed() == (1001, "stopping")
        assert scripted_agent.REPLY  # the session was idle


def test_after_a_session_its_memory_is_tidied_up(tmp_path: Path) -> None:
    tidied = threading.Event()
    with agent(tmp_path) as preloaded, Live(preloaded, tidy=tidied.set) as live:
        with live.client() as client:
            client.begin()
            assert not tidied.is_set()
        assert tidied.wait(PATIENCE_S)
