"""The application: its paths, and an application that has it mounted."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

import vflow.web
from tests import scripted_agent
from tests.web.live import TOKEN, Live, agent
from tests.web.test_doors import get
from vflow.errors import Unavailable
from vflow.web.limits import USUAL_SESSIONS, Limits


def test_health_and_readiness_need_no_token_and_the_status_does(live: Live) -> None:
    assert get(live, "/health")[::2] == (200, b'{"ok":true}')
    assert get(live, "/ready")[::2] == (200, b'{"ready":true}')
    assert get(live, "/status")[0] == 401
    assert get(live, "/status?token=" + TOKEN)[0] == 401
    with live.client() as client:
        client.begin()
        code, _, body = get(live, "/status", Authorization=f"Bearer {TOKEN}")
    assert code == 200
    (session,) = json.loads(body)["sessions"]
    assert (session["protocol"], session["state"]) == ("page", "idle")


def test_a_server_that_is_full_is_not_ready_and_says_why(tmp_path: Path) -> None:
    with agent(tmp_path) as preloaded, Live(preloaded, Limits(sessions=1)) as live, live.client() as client:
        client.begin()
        code, _, body = get(live, "/ready")
    assert code == 503
    assert json.loads(body) == {
        "ready": False,
        "why": "all 1 sessions of this server are taken; try again later",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/../application.py",
        "/%2e%2e/application.py",
        "/..%2fapplication.py",
        "/application.py",
        "/page/index.html",
        "//etc/passwd",
        "/%00",
        "/.",
        "/index.html/",
    ],
)
def test_no_path_of_the_file_system_is_served(live: Live, path: str) -> None:
    code, _, body = get(live, path)  # after a redirection
    assert code == 404 or (code == 200 and body == get(live, "/")[2])


def test_a_session_begins_in_an_application_that_has_it_mounted(tmp_path: Path) -> None:
    with agent(tmp_path, word_ms=20) as preloaded:
        outer = FastAPI()
        talk = vflow.web.app(preloaded, hosts=["testserver"])
        outer.mount("/voice", talk)
        with TestClient(outer) as client:
            assert client.get("/voice/ready").json() == {"ready": True}
            protocols = ["vflow.1", f"token.{talk.state.token}"]
            with client.websocket_connect("/voice/ws", subprotocols=protocols) as socket:
                socket.send_json({"type": "start"})
                assert socket.receive_json()["type"] == "ready"
            with client.websocket_connect("/voice/ws", subprotocols=["vflow.1", "token.x"]) as socket:
                assert socket.receive_json()["code"] == "token"
            with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/voice/ws"):
                pass
            assert denied.value.status_code == 401
            with client.websocket_connect("/voice/raw?rate=0", subprotocols=protocols[1:]) as socket:
                assert socket.receive_json()["code"] == "bad_message"
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect("/voice/ws", headers={"origin": "http://evil.example.net"}),
            ):
                pass


def test_a_graph_is_loaded_as_the_application_starts_and_closed_with_it(tmp_path: Path) -> None:
    file = scripted_agent.graph(tmp_path)
    talk = vflow.web.app(str(file), token="", hosts=["testserver"])
    talk.state.supply._options["nodes"] = scripted_agent.NODES  # of this test alone

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        async with talk.router.lifespan_context(talk):
            yield

    outer = FastAPI(lifespan=lifespan)
    outer.mount("/voice", talk)
    assert "not loaded" in talk.state.supply.problem
    with TestClient(outer) as client:
        assert client.get("/voice/ready").json() == {"ready": True}
        assert client.get("/voice/status").json()["capacity"] == USUAL_SESSIONS
    assert talk.state.supply.problem


def test_its_import_loads_no_web_server() -> None:
    heavy = "{'starlette', 'uvicorn', 'websockets', 'torch'}"
    code = f"import vflow.web, sys; assert not {heavy} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_extra_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"starlette is missing; pip install 'vflow-voice\[serve\]'"):
        vflow.web.app("voice_agent")
