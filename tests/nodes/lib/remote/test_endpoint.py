"""The address of a request, and the key that goes with it."""

from __future__ import annotations

import pytest

from vflow import Unavailable
from vflow_nodes.lib.remote.endpoint import OPENAI, endpoint

KEY = "sk-proj-Abc123Def456Ghi789"
SET = {
    "OPENAI_API_KEY": KEY,
    "GROQ_API_KEY": "gsk-groq-groq",
    "ACME_KEY": "acme-acme-acme",
    "AWS_SECRET": "aws",
}


def test_the_key_of_openai_goes_to_openai_without_being_named() -> None:
    assert endpoint(OPENAI, None, SET).key == KEY
    assert endpoint("https://eu.api.openai.com/v1/", None, SET).key == KEY


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "https://api.openai.com.evil.example/v1",
        "https://evil.example/api.openai.com/v1",
        "https://notapi.openai.com.evil.example",
    ],
)
def test_another_host_gets_no_key_that_is_not_named(url: str) -> None:
    assert endpoint(url, None, SET).key == ""


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "GROQ_API_KEY", "AWS_SECRET", "openai_api_key"])
def test_unknown_host_gets_no_key_of_a_known_provider(name: str) -> None:
    with pytest.raises(Unavailable, match="of its own") as caught:
        endpoint("https://evil.example/v1", name, SET | {"openai_api_key": KEY})
    assert not any(key in str(caught.value) for key in SET.values())


def test_a_named_key_goes_to_its_host_and_to_this_machine() -> None:
    assert endpoint("https://llm.acme.example/v1", "ACME_KEY", SET).key == "acme-acme-acme"
    assert endpoint("https://api.groq.com/openai/v1", "GROQ_API_KEY", SET).key == "gsk-groq-groq"
    assert endpoint("http://localhost:4000/v1", "OPENAI_API_KEY", SET).key == KEY


def test_the_environment_may_declare_the_key_of_openai_for_a_proxy() -> None:
    declared = SET | {"OPENAI_BASE_URL": "https://proxy.example/v1"}
    assert endpoint("https://proxy.example/v1", "OPENAI_API_KEY", declared).key == KEY
    with pytest.raises(Unavailable, match="OPENAI_BASE_URL"):
        endpoint("https://other.example/v1", "OPENAI_API_KEY", declared)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://x/v1", "no http"),
        ("localhost:11434", "no http"),
        ("https://user:pass@x/v1", "more than an address"),
        ("https://x/v1?api_key=1", "more than an address"),
        ("http://[::1/v1", "no URL"),
        ("http://x:99999999/v1", "no URL"),
        ("http://api.openai.com/v1", "write https"),
    ],
)
def test_a_wrong_address_is_refused_with_its_mend(url: str, said: str) -> None:
    with pytest.raises(Unavailable, match=said):
        endpoint(url, None, SET)


def test_a_key_that_is_not_set_is_told_by_the_name_of_its_variable() -> None:
    with pytest.raises(Unavailable, match="OPENAI_API_KEY is not set"):
        endpoint(OPENAI, None, {})
    with pytest.raises(Unavailable, match="ACME_KEY is not set"):
        endpoint("http://127.0.0.1/v1", "ACME_KEY", {"ACME_KEY": " "})


@pytest.mark.parametrize("name", [KEY, "gsk secret", "hf_abcdefgh"])
def test_a_key_in_the_place_of_its_name_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(Unavailable, match="not the key itself") as caught:
        endpoint(OPENAI, name, SET)
    assert name not in str(caught.value)


def test_a_key_that_no_header_can_carry_is_refused_and_not_shown() -> None:
    with pytest.raises(Unavailable, match="no key has") as caught:
        endpoint(OPENAI, None, {"OPENAI_API_KEY": "ключ-one\ntwo"})
    assert "ключ" not in str(caught.value)


def test_a_key_is_in_no_repr_and_hidden_in_whole_and_in_part() -> None:
    found = endpoint(OPENAI, None, SET)
    assert KEY not in repr(found)
    assert (
        found.hide(f"wrong key {KEY}, or {KEY[:9]}*****{KEY[-4:]}") == f"wrong key ***, or ********{KEY[-4:]}"
    )
    assert found.hide("nothing to hide") == "nothing to hide"


def test_path_of_a_call_is_removed_from_the_address() -> None:
    assert endpoint("http://127.0.0.1:1/v1/chat/completions", None, SET).url == "http://127.0.0.1:1/v1"
