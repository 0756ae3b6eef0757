"""The figures that Prometheus reads from a server."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import scripted_agent
from tests.web.cutting import returning
from tests.web.live import TOKEN, Live, agent
from vflow.runtime.shared_models import MODELS


def scraped(live: Live) -> dict[tuple[str, ...], float]:
    """Each sample, by its name and the values of its labels, in the order of their names."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(f"http://127.0.0.1:{live.port}/metrics", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=")
        text = answer.read().decode()
    assert scripted_agent.REPLY[:10] not in text
    samples: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name, *sample.labels.values()] = sample.value
    return samples


def test_sessions_turns_latencies_links_and_closes_are_counted(live: Live) -> None:
    nothing = scraped(live)
    assert nothing["vflow_sessions", "idle"] == nothing["vflow_sessions_begun_total",] == 0
    assert nothing["vflow_sessions_capacity",] == 4
    with returning(live) as (client, network):
        client.say('{"type": "ask", "text": "go on"}')
        client.wait_for("turn_ended")
        network.cut()
        live.until(lambda: [guest.state for guest in live.roster.guests] == ["away"])
        assert scraped(live)["vflow_sessions", "away"] == 1
        client.wait_for("levels")
        client.wait_for("levels")
        during = scraped(live)
        assert client.returns == 1
    live.until(lambda: not live.roster.guests)
    after = scraped(live)
    assert during["vflow_sessions", "idle"] == 1
    assert during["vflow_sessions_resumed_total",] == during["vflow_connections_closed_total", "lost"] == 1
    assert during["vflow_turns_total", "heard"] == after["vflow_turns_total", "heard"] == 1
    assert after["vflow_turn_latency_seconds_count", "compute"] == 1
    assert after["vflow_turn_latency_seconds_bucket", "compute", "+Inf"] == 1
    assert 0 < after["vflow_turn_latency_seconds_sum", "compute"] < 100
    fill = {name: value for name, value in during.items() if name[0] == "vflow_link_fill_ratio"}
    assert fill
    assert all(0 <= value <= 1 for value in fill.values())
    pushed = {name: value for name, value in during.items() if name[0] == "vflow_link_pushed_total"}
    assert sum(pushed.values()) > 20
    assert all(after[name] >= value for name, value in pushed.items())
    assert after["process_resident_memory_bytes",] > 1e6


class Waited:
    """A model for which others wait."""

    def queue(self) -> dict[str, float]:
        return {"waiting": 2, "oldest_s": 0.25, "waits": 7, "waited_s": 1.5, "slots": 4, "busy": 3}


def test_who_waits_for_a_shared_model_is_seen(live: Live) -> None:
    MODELS.acquire("chat:a-model:cpu", Waited)
    try:
        found = {name[0]: value for name, value in scraped(live).items() if name[1:] == ("chat:a-model",)}
    finally:
        MODELS.release("chat:a-model:cpu")
    assert found == {
        "vflow_model_waiting": 2,
        "vflow_model_waiting_seconds": 0.25,
        "vflow_model_slots": 4,
        "vflow_model_slots_busy": 3,
        "vflow_model_wait_seconds_count": 7,
        "vflow_model_wait_seconds_sum": 1.5,
    }
    assert ("vflow_model_waiting", "chat:a-model") not in scraped(live)


def test_a_session_that_fails_is_counted_by_its_node(tmp_path: Any) -> None:
    class Failing(scripted_agent.Answer):
        def process_typed(self, packet: Any) -> Any:
            raise ValueError("a secret")
            yield

    with agent(tmp_path, {"t.answer": Failing}) as preloaded, Live(preloaded) as live:
        with live.client() as client:
            client.begin()
            client.say("ask", text="go on")
            assert client.closed() == (1011, "failed")
        errors = {name[1:]: value for name, value in scraped(live).items() if name[0] == "vflow_errors_total"}
    assert errors == {("ValueError", "answer"): 1}


@pytest.mark.parametrize("token", ["", "wrong"])
def test_who_does_not_show_the_token_reads_nothing(live: Live, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{live.port}/metrics", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request)
    raised.value.close()
    assert raised.value.code == 401
