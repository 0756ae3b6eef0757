"""`vflow run --watch`: what is refused, and that the run ends as any other."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.cli.conftest import Vflow
from tests.stand_ins import PATIENCE_S
from vflow import web
from vflow.cli import run_watch

TONE = "nodes: {mic: {use: test_tone, duration: 200ms}, end: {use: 'null'}}\nlinks: [mic -> end]\n"
ENDLESS = (
    "nodes: {mic: {use: test_tone, duration: 1h, pace: clock}, end: {use: 'null'}}\nlinks: [mic -> end]\n"
)


def test_a_run_prints_its_address_once_and_ends_as_any_other(vflow: Vflow) -> None:
    ran = vflow("run", "g.yaml", "--watch", files={"g.yaml": TONE})
    assert ran.code == 0
    assert ran.out == ""
    assert [line for line in ran.err.splitlines() if "#token=" in line] == [
        line for line in ran.err.splitlines() if line.startswith("watch: http://127.0.0.1:")
    ]
    assert ran.err.count("#token=") == 1


def test_a_port_that_is_taken_is_told_before_anything_runs(vflow: Vflow) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = vflow("run", "g.yaml", "--watch", port, files={"g.yaml": TONE})
    assert ran.code == 2
    assert f"port {port}: Address already in use; give another --watch PORT" in ran.err
    assert "playing" not in ran.err
    assert [thread.name for thread in threading.enumerate() if thread.name == "vflow:terminal"] == []


def test_invalid_watch_port_names_the_place_of_the_file(
    vflow: Vflow, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        vflow("run", "--watch", "g.yaml", files={"g.yaml": TONE})
    assert "FILE goes before --watch" in capsys.readouterr().err


def test_open_without_a_page_and_several_inputs_are_refused(vflow: Vflow) -> None:
    ran = vflow("run", "g.yaml", "--open", files={"g.yaml": TONE})
    assert (ran.code, "add --watch" in ran.err) == (2, True)
    ran = vflow("run", "g.yaml", "--input", "a.wav", "--input", "b.wav", "--watch")
    assert (ran.code, "a page is of one run" in ran.err) == (2, True)


def test_watch_without_the_server_says_what_to_install(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_watch, "NEEDS", (*web.NEEDS, "no_such_package"))
    ran = vflow("run", "g.yaml", "--watch", files={"g.yaml": TONE})
    assert ran.code == 2
    assert "no_such_package is missing" in ran.err
    assert "[serve]" in ran.err


def test_the_browser_is_opened_where_that_is_asked(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(run_watch.webbrowser, "open", lambda url: opened.append(url) is None)
    vflow("run", "g.yaml", "--watch", files={"g.yaml": TONE})
    assert opened == []
    ran = vflow("run", "g.yaml", "--watch", "--open", files={"g.yaml": TONE})
    assert [f"watch: {url}" in ran.err for url in opened] == [True]


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    graph = tmp_path / "g.yaml"
    graph.write_text(ENDLESS)
    words = [sys.executable, "-m", "vflow.cli.main", "run", str(graph), "--watch"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_it_with_130_while_a_page_is_open(endless: subprocess.Popen[str]) -> None:
    assert endless.stderr is not None
    address = next(line for line in endless.stderr if "#token=" in line).removeprefix("watch: ").strip()
    page, _, token = address.partition("/#token=")
    url = page.replace("http", "ws") + "/ws"
    with connect(url, subprotocols=["vflow.1", f"token.{token}"]) as socket:  # type: ignore[list-item]
        socket.send('{"type": "start"}')
        while json.loads(socket.recv(PATIENCE_S))["type"] != "figures":
            pass
        next(line for line in endless.stderr if "playing" in line)
        endless.send_signal(signal.SIGINT)
        _, err = endless.communicate(timeout=PATIENCE_S)
    assert endless.returncode == 130
    assert err == "ending: what was begun is played to its end; Ctrl-C again stops at once\n"
