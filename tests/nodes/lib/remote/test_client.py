"""The client: retries, timeouts, and what it makes of each fault of a server."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests import remote_server as remote
from tests.remote_server import Answer, Exchange, Remote, chunk, reply, sends, serve, stream
from vflow_nodes.lib.remote.client import Patience, RemoteClient
from vflow_nodes.lib.remote.endpoint import endpoint
from vflow_nodes.lib.remote.faults import RemoteError

KEY = "sk-secret-key-of-this-test"
BODY = {"model": "m", "messages": []}
LONG = Patience()
SHORT = Patience(first_s=0.3, gap_s=0.3, retries=0)


def client(url: str, patience: Patience = LONG, key: bool = True) -> RemoteClient:
    found = endpoint(url, "TEST_KEY" if key else None, {"TEST_KEY": KEY})
    return RemoteClient(found, patience, nullcontext)


async def texts(of: RemoteClient) -> list[str]:
    found = []
    async with aclosing(of.events("chat/completions", BODY)) as events:
        async for event in events:
            found += [choice["delta"]["content"] for choice in event["choices"]]
    return found


def failure(answer: Answer, patience: Patience = SHORT, **more: Any) -> str:
    """Return the error for a server with these answers."""
    with serve(answer, **more) as server, pytest.raises(RemoteError) as caught:
        asyncio.run(texts(client(server.url, patience)))
    assert KEY not in repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value).replace(server.place, "HOST")


def test_a_streamed_answer_comes_event_by_event_with_the_key_sent() -> None:
    with serve(reply("Hello ", "there.")) as server:
        assert asyncio.run(texts(client(server.url))) == ["Hello ", "there.", ""]
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.asked[0].path == "/v1/chat/completions"


def test_request_without_a_named_key_sends_none() -> None:
    with serve(reply("Hello.")) as server:
        asyncio.run(texts(client(server.url, key=False)))
    assert "authorization" not in server.asked[0].headers


def test_events_are_found_at_any_cut_with_comments_and_either_line_end() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(kind="text/plain")
        whole = (
            b": waits\r\n\r\n"
            + chunk("Hé ").replace(b"\n", b"\r\n")
            + b"event: x\n"
            + chunk("you")
            + remote.DONE
        )
        for at in range(len(whole)):
            exchange.write(whole[at : at + 1])

    with serve(answer) as server:
        assert asyncio.run(texts(client(server.url))) == ["Hé ", "you"]


def test_a_failure_that_may_pass_is_tried_again_before_the_first_byte() -> None:
    answers = [remote.error(503, "loading"), remote.hangs_up, reply("Hello.")]
    with serve(*answers) as server:
        of = client(server.url)
        assert asyncio.run(texts(of)) == ["Hello.", ""]
    assert (len(server.asked), of.counts.requests, of.counts.retries) == (3, 1, 2)


def test_a_429_waits_as_long_as_it_asks_and_no_longer_than_a_listener_would() -> None:
    with serve(remote.error(429, "slow down", Retry_After="0.01"), reply("Hello.")) as server:
        assert asyncio.run(texts(client(server.url))) == ["Hello.", ""]
    long = remote.error(429, "slow down", Retry_After="60")
    with serve(long) as server, pytest.raises(RemoteError, match="asks to wait 60 s: slow down"):
        asyncio.run(texts(client(server.url)))
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_request_is_not_tried_again(status: int) -> None:
    with serve(remote.error(status, "no")) as server, pytest.raises(RemoteError):
        asyncio.run(texts(client(server.url)))
    assert len(server.asked) == 1


def test_nothing_is_tried_again_after_the_first_byte() -> None:
    with serve(stream("Hello ", end=b""), reply("no")) as server:
        assert asyncio.run(texts(client(server.url))) == ["Hello "]
    assert len(server.asked) == 1


FAULTS: list[tuple[Answer, str]] = [
    (remote.silent, "HOST sent nothing whole for 0.3 s; it may be loading; a longer 'patience'"),
    (remote.waits("Hello "), "HOST sent nothing whole for 0.3 s; it may be loading; a longer 'gap'"),
    (remote.hangs_up, "HOST closed the connection without an answer"),
    (stream(b"data: \xff\xfe{{\n\n"), "HOST sent what is no JSON for chat/completions; is it an OpenAI"),
    (sends(200, b"", kind="text/event-stream"), "HOST ended its answer before it began: its model may have"),
    (stream(b"\x00\x01\x02" * 999), "HOST sent no event for chat/completions"),
    (stream(b"data: [1, 2]\n\n"), "HOST sent JSON of another kind"),
    (stream(b"data: " + b"x" * 1_500_000), "HOST sends a stream that is none"),
    (stream("Hel", remote.event({"error": {"message": "no memory"}})), "HOST failed: no memory"),
    (sends(200, b"<html>hello</html>", kind="text/html"), "HOST sent a web page for chat/completions"),
    (sends(200, [1], kind="application/json"), "HOST sent JSON of another kind"),
    (remote.error(401, f"Incorrect API key: {KEY[:12]}*"), "HOST refuses the key in TEST_KEY (401): "),
    (remote.error(404, "The model `m` does not exist"), "HOST has no model 'm' (404): The model `m` does"),
    (sends(404, b"404 page not found"), "HOST has nothing at /v1/chat/completions (404): 404 page not f"),
    (remote.error(429, "busy"), "HOST gets more requests than it allows (429): busy; wait"),
    (sends(429, {"error": {"code": "insufficient_quota"}}), "the account at HOST has no quota left"),
    (remote.error(500, "boom"), "HOST failed (500): boom; try again later"),
    (sends(500, b"<html>nginx</html>"), "HOST failed (500); try again later"),
    (sends(400, {"detail": [{"msg": "field required"}]}), "HOST refuses the request (400): field required"),
    (sends(418, b""), "HOST refuses the request (418)"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_each_fault_is_told_in_a_sentence_without_the_key(answer: Answer, said: str) -> None:
    assert failure(answer).startswith(said)
    assert KEY[:8] not in failure(answer)


def test_slow_drip_of_bytes_without_an_event_times_out() -> None:
    def drips(exchange: Exchange) -> None:
        exchange.begin()
        while not exchange.server.remote.over.wait(0.02):
            exchange.write(b"x")

    assert "sent nothing whole for 0.3 s" in failure(drips)


def test_slow_drip_of_an_answer_times_out() -> None:
    def drips(exchange: Exchange) -> None:
        exchange.begin(kind="application/json")
        while not exchange.server.remote.over.wait(0.02):
            exchange.write(b" ")

    assert "sent nothing whole for 0.3 s" in failure(drips)


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() -> None:
    with serve(reply("stolen")) as other:
        location = f"{other.url}/chat/completions?key={KEY}"
        said = failure(sends(307, {}, Location=location))
    assert not other.asked
    assert said.startswith(
        f"HOST sends the request on to {other.url}/chat/completions, where nothing is sent"
    )


def test_a_server_that_is_down_is_told_with_the_reason() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(RemoteError, match=r"cannot be reached \(.*refused\); is it running") as caught:
            asyncio.run(texts(client(url, SHORT)))
    assert caught.value.kind == "unreached"


def test_unknown_host_name_is_reported() -> None:
    with pytest.raises(RemoteError, match=r"nowhere\.invalid cannot be reached"):
        asyncio.run(texts(client("http://nowhere.invalid/v1", SHORT)))


def test_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path) -> None:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    said = failure(reply("never"), tls=tls)
    assert "is not trusted (self" in said
    assert "SSL_CERT_FILE" in said


def test_leaving_the_stream_closes_the_connection_at_once() -> None:
    async def leave(of: RemoteClient) -> None:
        async with aclosing(of.events("chat/completions", BODY)) as events:
            await anext(events)

    with serve(remote.waits("Hello ")) as server:
        of = client(server.url)
        asyncio.run(leave(of))
        assert server.left.wait(10)
    assert of.counts.ended_early == 1


def test_a_cancelled_wait_closes_the_connection_at_once() -> None:
    async def leave(of: RemoteClient, server: Remote) -> None:
        task = asyncio.ensure_future(texts(of))
        await asyncio.to_thread(server.came.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.left.wait, 10)

    with serve(remote.silent) as server:
        asyncio.run(leave(client(server.url), server))


def test_a_connection_is_kept_for_the_next_request_and_closed_with_the_loop() -> None:
    def whole(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "2")
        exchange.end_headers()
        ports.add(exchange.client_address[1])
        exchange.write(b"{}")

    async def twice(of: RemoteClient) -> None:
        for _ in range(2):
            await of.whole("GET", "x")

    ports: set[int] = set()
    with serve(whole) as server:
        of = client(server.url)
        asyncio.run(twice(of))
        assert len(ports) == 1
        asyncio.run(twice(of))
        assert len(ports) == 2


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serve(reply("Hello.")) as server:
        assert asyncio.run(texts(client(server.url))) == ["Hello.", ""]
