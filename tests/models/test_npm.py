"""A package of npm as one file, from a registry that is a folder here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vflow import Unavailable
from vflow.models import npm

PACKAGE = b"of no sense" * 1000
AGAIN = "vflow models pull tiny"


@contextmanager
def registry(status: int = 200, length: int = len(PACKAGE)) -> Iterator[tuple[str, list[str]]]:
    """A registry that sends PACKAGE, and says that it has so many bytes; the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(PACKAGE)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_requirement_of_npm_is_told_from_that_of_a_wheel() -> None:
    assert [npm.is_npm(name) for name in ("a@1.0", "@scope/a@1.0", "a==1.0")] == [True, True, False]


@pytest.mark.parametrize(
    ("requirement", "path"),
    [("tiny@1.2.0", "/tiny/-/tiny-1.2.0.tgz"), ("@some/tiny@1.2.0", "/@some/tiny/-/tiny-1.2.0.tgz")],
)
def test_a_package_comes_whole_and_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requirement: str, path: str
) -> None:
    done: list[float] = []
    with registry() as (url, asked):
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", url)
        file = npm.download(requirement, tmp_path / "new", done.append, AGAIN)
    assert (file.read_bytes(), file.name, asked) == (PACKAGE, "tiny-1.2.0.tgz", [path])
    assert done[-1] == 1


@pytest.mark.parametrize(
    ("status", "length", "said"),
    [(404, len(PACKAGE), "404 Not Found"), (200, len(PACKAGE) + 5, "of 11005 bytes came")],
)
def test_a_package_that_does_not_come_whole_is_a_sentence_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, length: int, said: str
) -> None:
    with registry(status, length) as (url, _):
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", url)
        with pytest.raises(Unavailable) as raised:
            npm.download("tiny@1.0", tmp_path, lambda _: None, AGAIN)
    assert said in str(raised.value)
    assert f"could not fetch tiny@1.0 from {url.rstrip('/')}" in str(raised.value)
    assert f"then run '{AGAIN}' again" in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address"])
def test_a_registry_that_cannot_be_reached_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", url)
    with pytest.raises(Unavailable, match=f"could not fetch tiny@1.0 from {url}"):
        npm.download("tiny@1.0", tmp_path, lambda _: None, AGAIN)


def test_the_registry_is_that_of_an_installed_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    with registry() as (url, asked):
        program.write_text(f"#!/bin/sh\necho {url}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=":")
        assert npm.download("tiny@1.2.0", tmp_path, lambda done: None, AGAIN).read_bytes() == PACKAGE
    assert asked == ["/tiny/-/tiny-1.2.0.tgz"]


def test_without_npm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"tiny@1\.2\.0 is of npm, which is not here: install Node"):
        npm.download("tiny@1.2.0", tmp_path, lambda done: None, AGAIN)


def test_an_npm_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    program = tmp_path / "npm"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Unavailable, match="npm does not say where its registry is"):
        npm.download("tiny@1.2.0", tmp_path, lambda done: None, AGAIN)
