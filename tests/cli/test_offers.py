"""Lists of the models and voices that a node can use: of a server, and of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Vflow
from tests.remote_server import Exchange, sends, serve
from tests.stand_ins import Gives, Takes
from vflow import Audio, In, Unavailable, prop
from vflow.graph.registry import Registry

KEY = "sk-not-to-be-seen-anywhere-123456"
MODELS = sends(
    200, {"data": [{"id": "llama3.2"}, {"id": f"of {KEY}"}, {"id": 3}, "plain", {"name": "named"}]}
)


@pytest.mark.parametrize("name", ["chat.openai", "generator.openai", "generator.remote", "stt.openai"])
def test_the_models_of_a_server_are_listed_and_no_key(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OWN_KEY", KEY)
    keys: list[str] = []

    def models(exchange: Exchange) -> None:
        keys.append(exchange.headers.get("authorization", ""))
        MODELS(exchange)

    with serve(MODELS, models=models) as server:
        ran = vflow("inspect", name, "--set", f"base_url={server.url}", "--set", "key_env=OWN_KEY")
        place = server.place
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [f"models at {place}:", "  llama3.2", "  of ***", "  plain", "  named"]
    assert keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (sends(200, {"voices": ["heart", {"id": "emma"}]}), [":", "  heart", "  emma"]),
        (sends(200, {"voices": []}), [": none"]),
        (sends(404, {}), [": it does not list them"]),
        (sends(200, ["heart"]), [": it does not list them"]),
    ],
)
def test_the_voices_of_a_server_are_listed_where_it_tells_them(
    vflow: Vflow, answer: Any, lines: list[str]
) -> None:
    with serve(answer, models=sends(200, {"data": []})) as server:
        ran = vflow("inspect", "tts.openai", "--set", f"base_url={server.url}")
        first, *rest = lines
        assert ran.out.splitlines() == [
            f"models at {server.place}: none",
            f"voices at {server.place}{first}",
            *rest,
        ]
    assert ran.code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["base_url=http://127.0.0.1:9/v1"],
            "chat.openai: 127.0.0.1:9 cannot be reached (Connection refused)",
        ),
        (["base_url=ftp://x"], "chat.openai: 'base_url' is no http or https address"),
        (["base_url=http://h.example/v1", "key_env=OPENAI_API_KEY"], "does not go to h.example"),
        (["base_ur=x"], "no property 'base_ur'; did you mean 'base_url'"),
        (["retries=many"], "retries takes int, not 'many'"),
        (["base_url"], "--set: error: 'base_url' is not a property\n  mend: write --set property=value"),
    ],
)
def test_a_server_that_cannot_be_asked_is_one_sentence(vflow: Vflow, options: list[str], said: str) -> None:
    ran = vflow("inspect", "chat.openai", *(word for option in options for word in ("--set", option)))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_no_server_is_asked_without_set(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow_nodes.lib.remote.node.RemoteNode.offers", None)
    ran = vflow("inspect", "chat.openai")
    assert (ran.code, "models at" in ran.out) == (0, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["own"], "own: own lists nothing that depends on its properties; leave --set out"),
        (["tts"], "tts: --set is for a node; name a candidate of it: tts."),
        ([], "vflow inspect: error: --set is for a node; name a node"),
    ],
)
def test_set_where_nothing_depends_on_it_is_refused(vflow: Vflow, words: list[str], said: str) -> None:
    ran = vflow("inspect", *words, "--set", "level=1")
    assert (ran.code, said in ran.err) == (2, True)


class Own(Takes):
    """Takes what comes."""

    level: int = prop(0)
    audio = In(Audio())


class Speaks(Gives):
    """Has voices."""

    model: str = prop("small")

    def list_voices(self) -> Iterator[str]:
        if self.model == "gone":
            raise Unavailable("no model there")
        yield f"anna  of {self.model}"
        if self.model == "broken":
            raise OSError("disk")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register `own` and `tts.speaks`, as installed packages would."""
    names, load = Registry.names, Registry.load
    own = {"own": Own, "tts.speaks": Speaks}
    monkeypatch.setattr(Registry, "names", lambda self: sorted([*names(self), *own]))
    monkeypatch.setattr(Registry, "load", lambda self, name: own.get(name) or load(self, name))


def test_voices_are_listed_with_a_node_with_its_role_and_by_a_property(vflow: Vflow) -> None:
    assert "voices:\n  anna  of small\n" in vflow("inspect", "tts.speaks").out
    assert "    voices:\n      anna  of small\n" in vflow("inspect", "tts").out
    assert vflow("inspect", "tts.speaks", "--set", "model=large").out == "voices:\n  anna  of large\n"


@pytest.mark.parametrize(("model", "said"), [("gone", "no model there"), ("broken", "OSError: disk")])
def test_voices_that_cannot_be_listed_say_why(vflow: Vflow, model: str, said: str) -> None:
    ran = vflow("inspect", "tts.speaks", "--set", f"model={model}")
    assert (ran.code, ran.out) == (0, f"voices: cannot be listed: {said}\n")
