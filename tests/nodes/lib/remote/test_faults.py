"""Errors of a server become messages; each fault of a connection is in test_client."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from vflow_nodes.lib.remote.endpoint import Endpoint
from vflow_nodes.lib.remote.faults import SHOWN, message_in, of_status, retry_after

PLACE = Endpoint("https://host.example/v1", "host.example", "HOST_KEY", "the-key-of-the-host")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "no  room.\\nSorry."}}', "no room. Sorry"),
        (b'{"error": "plain"}', "plain"),
        (b'{"message": "Mistral"}', "Mistral"),
        (b'{"detail": [{"loc": ["body"], "msg": "FastAPI"}]}', "FastAPI"),
        (b'[{"error": {"message": "Google"}}]', "Google"),
        (b"out of order", "out of order"),
        (b"<html>nginx</html>", ""),
        (b'{"error": {}}', ""),
        (b"[" * 100_000, "[" * SHOWN + "..."),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_the_servers_own_message_is_found_in_one_line(body: bytes, said: str) -> None:
    assert message_in(body) == said


def test_the_wait_that_a_server_asks_for_is_seconds_or_a_date() -> None:
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after": "-3"}) == 0
    assert 50 < (retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) or 0) <= 60
    assert retry_after({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "nan"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("status", "retried"), [(429, True), (500, True), (502, True), (503, True), (400, False), (501, False)]
)
def test_only_temporary_faults_are_retried(status: int, retried: bool) -> None:
    assert of_status(PLACE, "/v1/x", "m", status, {}, b"").retry is retried


def test_a_key_that_is_missing_and_one_that_is_wrong_have_their_own_mend() -> None:
    open_place = Endpoint("http://host.example/v1", "host.example")
    assert "name that as 'key_env'" in str(of_status(open_place, "/x", "m", 401, {}, b""))
    assert "refuses the key in HOST_KEY (401)" in str(of_status(PLACE, "/x", "m", 401, {}, b""))


def test_the_error_of_an_address_without_v1_says_so() -> None:
    bare = Endpoint("http://host.example", "host.example")
    assert str(of_status(bare, "/x", "m", 404, {}, b"")).endswith(
        "is http://host.example, and usually ends with /v1"
    )
    assert "usually" not in str(of_status(PLACE, "/x", "m", 404, {}, b""))


def test_a_key_that_a_server_repeats_is_hidden_even_in_part() -> None:
    body = b"x" * (SHOWN - 10) + b" the-key-of-the-host"
    assert "the-key-" not in str(of_status(PLACE, "/x", "m", 500, {}, body))
