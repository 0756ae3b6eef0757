"""Addresses: those that are printed, those of sockets, and those that are none."""

from __future__ import annotations

import pytest

from vflow.errors import VflowError
from vflow.web.address import Address, address_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8080/#token=abc", Address("ws://127.0.0.1:8080/ws", "abc")),
        ("https://voice.example.org/#token=abc", Address("wss://voice.example.org/ws", "abc")),
        ("https://voice.example.org/talk/", Address("wss://voice.example.org/talk/ws")),
        ("ws://[::1]:8080/ws", Address("ws://[::1]:8080/ws")),
        ("ws://localhost:8080", Address("ws://localhost:8080/ws")),
        ("wss://localhost/voice/ws?x=1", Address("wss://localhost/voice/ws")),
    ],
)
def test_address_may_be_of_the_socket_or_the_page(text: str, address: Address) -> None:
    assert address_of(text) == address


def test_token_comes_from_the_address_or_else_the_argument() -> None:
    assert address_of("ws://localhost", "mine").token == "mine"
    assert address_of("ws://localhost/#token=its-own", "mine").token == "its-own"
    assert address_of("ws://localhost", "mine").subprotocols == ["vflow.1", "token.mine"]
    assert address_of("ws://localhost").subprotocols == ["vflow.1"]


@pytest.mark.parametrize(
    "text",
    ["", "localhost:8080", "ftp://localhost", "ws://", "ws://localhost:x", "ws://a:b@localhost", "ws://[::1"],
)
def test_invalid_address_is_refused_without_its_token(text: str) -> None:
    with pytest.raises(VflowError, match=r"is not (an|the) address") as raised:
        address_of(f"{text}#token=secret")
    assert "secret" not in str(raised.value)
