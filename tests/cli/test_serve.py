"""`vflow serve` as a user meets it: its address, its refusals, and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.cli.conftest import Vflow
from tests.stand_ins import PATIENCE_S
from vflow.cli.serve import cores, is_loopback

CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2"
    " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
)
ECHO = Path(__file__).parents[2] / "pipelines" / "echo.yaml"


@contextmanager
def serving(*words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command; yield its process, and the address that it printed."""
    command = [sys.executable, "-m", "vflow", "serve", str(ECHO), "--port", "0", *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_address_has_the_token_which_opens_a_session_and_a_signal_ends_all(number: int) -> None:
    with serving() as (process, address):
        base, _, token = address.partition("#token=")
        assert base.startswith("http://127.0.0.1:")
        assert len(token) == 43
        with connect(base.replace("http", "ws") + "ws", subprotocols=["vflow.1", f"token.{token}"]) as client:  # type: ignore[list-item]
            client.send('{"type": "start"}')
            assert json.loads(client.recv(PATIENCE_S))["type"] == "ready"
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    assert out == ""
    assert err.splitlines() == [
        "loading",
        f"open it in a browser; up to 16 at once on {cores()}; Ctrl-C ends",
    ]
    assert token not in err


def test_the_token_may_come_from_the_environment_or_be_left_out() -> None:
    with serving("--sessions", "2", VFLOW_TOKEN="a-token-of-my-own") as (_, address):
        assert address.endswith("#token=a-token-of-my-own")
    with serving("--no-token") as (_, address):
        assert address.endswith("/")
        with urllib.request.urlopen(f"{address}status") as answer:
            assert json.load(answer)["capacity"] == 16


def test_with_a_certificate_the_server_speaks_tls(tmp_path: Path) -> None:
    subprocess.run(CERTIFICATE.split(), cwd=tmp_path, check=True, capture_output=True)
    words = "--certfile", str(tmp_path / "certificate.pem"), "--keyfile", str(tmp_path / "key.pem")
    with serving("--host", "0.0.0.0", "--allow-host", "voice.example.org", *words) as (_, address):
        assert address.startswith(f"https://{socket.gethostname()}:")
        port = address.partition("#")[0].rpartition(":")[2].strip("/")
        trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
        with urllib.request.urlopen(f"https://localhost:{port}/ready", context=trusted) as answer:
            assert json.load(answer) == {"ready": True}
        request = urllib.request.Request(
            f"https://127.0.0.1:{port}/ready", headers={"Host": "voice.example.org"}
        )
        with urllib.request.urlopen(request, context=trusted) as answer:
            assert answer.status == 200
        page = {"Origin": f"http://localhost:{port}"}
        request = urllib.request.Request(f"https://localhost:{port}/ready", headers=page)
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, context=trusted)
        raised.value.close()
        assert raised.value.code == 403


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines, without encryption; give"),
        (["--host", "192.0.2.1"], "192.0.2.1 can be reached from other machines"),
        (["--host", "192.0.2.1", "--behind-proxy"], "cannot listen at 192.0.2.1, port 8080"),
        (["--certfile", "a.pem"], "--certfile and --keyfile go together"),
        (
            ["--certfile", "a.pem", "--keyfile", "a.pem", "--port", "0"],
            "the certificate a.pem cannot be used",
        ),
        (["--token", "short"], "a token needs 16 letters or more"),
        (["--token", "a token with spaces in it"], "a token needs 16 letters or more"),
        (["--token", "x" * 20, "--no-token"], "--token and --no-token contradict"),
        (["--no-token", "--host", "0.0.0.0", "--behind-proxy"], "--no-token is for this machine alone"),
        (["--port", "0", "--set", "tts.speed"], "'tts.speed' is not a property"),
        (["--port", "0", "--set", "nobody.speed=2"], "nobody"),
    ],
)
def test_wrong_options_are_refused_in_one_line(vflow: Vflow, words: list[str], told: str) -> None:
    ran = vflow("serve", str(ECHO), *words)
    assert ran.code == 2
    assert ran.out == ""
    assert told in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("words", [["--port", "65536"], ["--port", "x"], ["--sessions", "0"]])
def test_numbers_out_of_range_are_refused(
    vflow: Vflow, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        vflow("serve", str(ECHO), *words)
    assert raised.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err


def test_graph_without_mic_or_speaker_is_refused(vflow: Vflow) -> None:
    text = "nodes: {tone: {use: test_tone}, sink: {use: 'null'}}\nlinks: [tone -> sink]\n"
    ran = vflow("serve", "g.yaml", "--port", "0", files={"g.yaml": text})
    assert ran.code == 2
    assert "nor the roles mic and speaker" in ran.err
    ran = vflow("serve", "nowhere.yaml")
    assert ran.code == 2
    assert "nowhere.yaml" in ran.err


def test_a_missing_extra_is_named(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = vflow("serve", str(ECHO))
    assert ran.code == 2
    assert ran.err == (
        "error: starlette, uvicorn, websockets are missing; pip install 'vflow-voice[serve]'\n"
    )


def test_loopback_is_this_machine_by_any_of_its_names() -> None:
    assert all(map(is_loopback, ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "", "192.168.0.7", "localhost.example.net"]))


def test_its_log_may_be_lines_of_json() -> None:
    with serving("--log", "json") as (process, address):
        base, _, token = address.partition("#token=")
        with connect(base.replace("http", "ws") + "ws", subprotocols=["vflow.1", f"token.{token}"]) as client:  # type: ignore[list-item]
            client.send('{"type": "start"}')
            assert json.loads(client.recv(PATIENCE_S))["type"] == "ready"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
    told = [json.loads(line) for line in err.splitlines()]
    assert [each["event"] for each in told[:3]] == ["note", "note", "session_begun"]
    assert told[0]["text"] == "loading"
    assert token not in err
