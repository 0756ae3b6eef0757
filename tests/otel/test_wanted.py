"""Whether spans are wanted, and where to."""

from __future__ import annotations

import pytest

from vflow.errors import VflowError
from vflow.otel.wanted import BASE, CAPTURE, TRACES, is_address, shown, wanted

LOCAL = "http://localhost:4318/v1/traces"


def url(option: str | None = None, **environment: str) -> str | None:
    found = wanted(option, environment)
    return None if found is None else found.url


def test_nothing_is_sent_where_nobody_asks() -> None:
    assert url() is None
    assert url(OTEL_SERVICE_NAME="voice", OTEL_TRACES_SAMPLER="always_on") is None


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({BASE: "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({BASE: "http://collector:4318/otlp/"}, "http://collector:4318/otlp/v1/traces"),
        ({TRACES: "https://c/here"}, "https://c/here"),
        ({TRACES: "https://c/here", BASE: "http://other"}, "https://c/here"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, LOCAL),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, LOCAL),
        ({"OTEL_TRACES_EXPORTER": "none", BASE: "http://collector:4318"}, None),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, None),
        ({"OTEL_SDK_DISABLED": "True", BASE: "http://collector:4318"}, None),
    ],
)
def test_environment_asks_by_standard_variables(environment: dict[str, str], place: str | None) -> None:
    assert url(**environment) == place


def test_option_asks_whatever_the_environment_says_and_its_address_goes_first() -> None:
    assert url("") == LOCAL
    assert url("", **{BASE: "http://c:1"}) == "http://c:1/v1/traces"
    assert (
        url("http://mine", **{TRACES: "http://c:1/x", "OTEL_SDK_DISABLED": "true"}) == "http://mine/v1/traces"
    )
    assert url("http://mine/v1/traces/") == "http://mine/v1/traces"


@pytest.mark.parametrize("protocol", ["grpc", "http/json"])
def test_other_protocols_are_refused_in_words(protocol: str) -> None:
    with pytest.raises(VflowError, match=f"OTEL_EXPORTER_OTLP_PROTOCOL is '{protocol}'"):
        wanted(None, {BASE: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    assert wanted(None, {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}) is None


@pytest.mark.parametrize("address", ["collector:4317", "ftp://c", "http://", "http://[::1", "grpc://c:1"])
def test_what_is_no_address_is_refused_by_the_name_of_its_variable(address: str) -> None:
    for name in (BASE, TRACES):
        with pytest.raises(VflowError, match=f"{name} is no address such as http://localhost:4318"):
            wanted(None, {name: address})


def test_what_was_said_is_sent_only_where_it_is_asked_for() -> None:
    for value, content in (
        ("", False),
        ("false", False),
        ("NO_CONTENT", False),
        ("EVENT_ONLY", False),
        ("true", True),
        ("SPAN_ONLY", True),
        ("span_and_event", True),
    ):
        found = wanted("", {CAPTURE: value})
        assert found is not None
        assert found.content is content


def test_messages_show_no_password_or_key_of_an_address() -> None:
    assert shown("https://me:secret@c.example:99/v1/traces?key=k") == "https://c.example:99/v1/traces"
    assert shown("http://[::1]:4318/v1/traces") == "http://[::1]:4318/v1/traces"
    assert not is_address("http://c:99999")
