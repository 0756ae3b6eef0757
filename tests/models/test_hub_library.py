"""huggingface_hub's environment, its errors, and answers that no hub gives, over HTTP on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub_server import TOKEN, Cut, Hub, Stall, Status
from tests.models.conftest import NAME, ignore, refusal
from vflow.models import hub_cache, hub_download, hub_library

PULL = [sys.executable, "-m", "vflow.cli.main", "models", "pull", NAME]
ODD = "127.0.0.1 does not answer as a hub does"
TRIES = 6
"""How often the library tries a request that may succeed later."""
ESCAPE = "\x1b[2J\x1b]0;owned\x07"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Status(200, body=b"<html>"), ODD),
        (Status(200, body=b"\xff\xfe{"), ODD),
        (Status(200, body=b""), ODD),
        (Status(200, body=b"[" * 100_000), ODD),
        (Status(200, body=b"[]"), ODD),
        (Status(200, body=b"{}"), ODD),
        (Status(200, body=b'{"id": "x", "sha": 5, "siblings": []}'), f"{ODD} (it states no commit)"),
        (Status(200, body=b'{"id": "x", "sha": "%s"}' % (b"0" * 40)), ODD),
        (Status(200, body=b'{"id": "x", "sha": "%s", "siblings": 5}' % (b"0" * 40)), ODD),
        (
            Status(200, body=b'{"id": "x", "sha": "%s", "siblings": [{"rfilename": "a"}]}' % (b"0" * 40)),
            f"{ODD} (it states no sizes)",
        ),
        (
            Status(
                200, body=b'{"id": "x", "sha": "%s", "siblings": [{"rfilename": 5, "size": 1}]}' % (b"0" * 40)
            ),
            "holds no config.json",
        ),
        (
            Status(
                200,
                body=b'{"id": "x", "sha": "%s", "siblings": [{"rfilename": "a", "size": -1}]}' % (b"0" * 40),
            ),
            f"{ODD} (it states no sizes)",
        ),
        (Status(418, body=b"tea"), "127.0.0.1 answers 418"),
        (Status(500), "127.0.0.1 answers 500 for somebody/speaks-1.5; pull again: the files that came whole"),
        (Status(503, body=ESCAPE.encode()), "127.0.0.1 answers 503"),
        (Status(400, {"X-Error-Message": "bad \x1b[31m"}), "127.0.0.1 answers 400"),
        (Cut(1000), "cannot reach 127.0.0.1: peer closed connection"),
        (Status(302, {"Location": "file:///etc/passwd"}), "cannot reach 127.0.0.1"),
        (Status(302, {"Location": "http://127.0.0.1:1/x"}), "cannot reach 127.0.0.1"),
        (Status(429, {"Retry-After": "17"}), "is asked too often (429); pull again in 17 s, or with a token"),
        (Status(429, {"Retry-After": "\x1b[2J"}), "is asked too often (429); pull again later"),
        (Status(401), f"127.0.0.1 refuses {NAME} (401); accept its licence at http://127.0.0.1:"),
        (Status(403), f"127.0.0.1 refuses {NAME} (403); accept its licence at http://127.0.0.1:"),
        (Status(404), f"127.0.0.1 has no {NAME}; check its spelling"),
    ],
)
def test_malformed_listing_is_an_error_with_the_reason(server: Hub, fault: Status | Cut, said: str) -> None:
    server.faults["info"].append(fault)
    assert said in refusal()
    hub_download.pull(NAME, ignore)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Status(200, body=b"<html>"), ODD),
        (Status(200, body=b"[]"), f"{ODD} (its listings differ in README.md)"),
        (Status(200, body=b'[{"type": "file", "path": "config.json"}]'), ODD),
        (Status(500), "127.0.0.1 answers 500"),
        (Cut(1000), "cannot reach 127.0.0.1"),
    ],
)
def test_without_checksums_a_model_is_not_taken_for_whole(
    server: Hub, fault: Status | Cut, said: str
) -> None:
    server.faults["tree"].extend([fault] * TRIES)
    assert said in refusal()
    assert hub_cache.hub_snapshot(NAME) is None
    server.faults["tree"].clear()
    assert hub_download.pull(NAME, ignore).fetched == 0


@pytest.mark.parametrize("header", ["ETag", "X-Linked-Etag", "X-Repo-Commit"])
@pytest.mark.parametrize("path", ["../../../../escaped", "..\\escaped", "/escaped"])
def test_metadata_that_leads_out_of_the_cache_is_refused(
    server: Hub, tmp_path: Path, header: str, path: str
) -> None:
    server.metadata = {header: f'"{path}"'}
    assert refusal().startswith(f"{ODD} (its {header} is a path)")
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("status", [500, 429, 503])
def test_a_file_that_is_refused_once_is_asked_for_again(server: Hub, status: int) -> None:
    server.faults["HEAD"].append(Status(status))
    hub_download.pull(NAME, ignore)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Status(403), f"localhost answers 403 for a file of {NAME}; pull again: the files that came whole"),
        (Status(404), f"localhost answers 404 for a file of {NAME}"),
        (Status(500), f"localhost answers 500 for a file of {NAME}"),
        (Status(200, body=b"<html>please log in</html>"), "file should be of size 3000000 but has size 26"),
        (Status(302, {"Location": "file:///etc/passwd"}), "cannot reach 127.0.0.1"),
    ],
)
def test_a_store_that_fails_is_named(server: Hub, fault: Status, said: str) -> None:
    server.faults["model.safetensors"].append(fault)
    assert said in refusal()
    hub_download.pull(NAME, ignore)


def test_a_listed_file_that_is_not_there_is_no_missing_model(server: Hub) -> None:
    server.faults["HEAD"].append(Status(404, {"X-Error-Code": "EntryNotFound"}))
    assert refusal().startswith(f"127.0.0.1 answers 404 for a file of {NAME}; pull again")


def test_a_server_that_stalls_is_given_up_after_the_timeout(
    server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_library, "timeout_s", lambda: 0.1)
    for part in ("info", "model.safetensors", "tree"):
        server.faults[part].extend([Stall(10)] * TRIES)
        assert refusal().startswith(
            "127.0.0.1 has sent nothing for 0.1 s; check the network, and HF_ENDPOINT"
        )
        server.faults[part].clear()


def test_an_unknown_repository_is_named(server: Hub) -> None:
    said = "127.0.0.1 has no somebody/else; check its spelling; a private one needs HF_TOKEN"
    assert refusal("somebody/else") == said


def test_a_gated_repository_says_what_to_accept_and_set(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.gated.add(NAME)
    mend = f"accept its licence at {server.url}/{NAME}, and set HF_TOKEN to a token of yours"
    assert refusal() == (f"127.0.0.1 refuses {NAME} (401); {mend} from {server.url}/settings/tokens")
    monkeypatch.setenv("HF_TOKEN", "hf_of-somebody-else")
    said = refusal()
    assert said.startswith(f"127.0.0.1 refuses {NAME} (403); {mend}")
    assert "hf_of" not in said
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub_download.pull(NAME, ignore)


def test_the_token_of_a_login_reaches_the_hub_and_not_its_store(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text(f"{TOKEN}\n")
    subprocess.run(PULL, check=True, capture_output=True)
    assert {(seen.origin, seen.authorization) for seen in server.seen} == {
        ("127.0.0.1", f"Bearer {TOKEN}"),
        ("localhost", None),
    }


def test_a_token_file_that_holds_no_text_is_named(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_bytes(b"\xff\xfe")
    ran = subprocess.run(PULL, capture_output=True, text=True)
    assert ran.stderr.endswith("HF_TOKEN holds characters that no token has; copy it again\n")


def test_a_pull_tells_the_hub_nothing_of_this_machines_software(
    server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DO_NOT_TRACK", "DISABLE_TELEMETRY"):
        monkeypatch.delenv(variable, raising=False)
    subprocess.run(PULL, check=True, capture_output=True)
    assert not [seen.path for seen in server.seen if NAME not in seen.path]
    assert not [seen.agent for seen in server.seen if "torch" in seen.agent or "agent/" in seen.agent]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HF_TOKEN", "hf_a b", "HF_TOKEN holds characters that no token has"),
        ("HF_TOKEN", "hf_\x1b[31m", "HF_TOKEN holds characters that no token has"),
        ("HF_ENDPOINT", "ftp://example.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "example.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "https://", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "https://me:secret@example.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "https://huggingface..co", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", f"https://{'a' * 70}.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "http://[::1", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "http://example.org:99999", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "http://example.org/\x1b[2J", "HF_ENDPOINT is no address of a hub"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "soon", "HF_HUB_DOWNLOAD_TIMEOUT is 'soon'; it takes whole seconds"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "", "HF_HUB_DOWNLOAD_TIMEOUT is ''; it takes whole seconds"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "0.5", "HF_HUB_DOWNLOAD_TIMEOUT is '0.5'; it takes whole seconds"),
        ("HF_HUB_ETAG_TIMEOUT", "0", "HF_HUB_ETAG_TIMEOUT is '0'; it takes whole seconds"),
        (
            "HTTP_PROXY",
            "ftp://me:secret@x\x1b[31m",
            "this environment allows no connection (InvalidURL); check",
        ),
        (
            "SSL_CERT_FILE",
            "/nowhere",
            "this environment allows no connection (FileNotFoundError); check SSL_",
        ),
        ("HF_HUB_OFFLINE", "1", "HF_HUB_OFFLINE forbids the network"),
        ("TRANSFORMERS_OFFLINE", "true", "TRANSFORMERS_OFFLINE forbids the network"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_without_a_traceback(
    server: Hub, variable: str, value: str, said: str
) -> None:
    ran = subprocess.run(PULL, env={**os.environ, variable: value}, capture_output=True, text=True)
    assert ran.returncode == 1
    assert f"vflow models pull: error: {said}" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "secret" not in ran.stderr
    assert "\x1b" not in ran.stderr
    assert not server.seen


def test_no_network_is_said_at_once(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{bound.getsockname()[1]}")
        assert refusal().startswith("cannot reach 127.0.0.1: ")


def test_texts_of_the_hub_do_not_reach_the_terminal_raw(server: Hub) -> None:
    server.tags = (f"license:{ESCAPE}",)
    server.put("somebody/sounds", {"config.json": b"{}", "evil\x1b[31m.onnx": b"1", "model.onnx": b"2"})
    said: list[str] = []
    hub_download.pull("somebody/sounds", lambda text, _: said.append(text), patterns=["*.onnx"])
    assert "somebody/sounds: 1 file, 0 kB, licence ?[2J?]0;owned?" in said
    assert all(text.isprintable() for text in said)
    refusal("somebody/sounds", patterns=["evil*"])


def test_a_pull_without_the_library_says_what_installs_it(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "none" / "huggingface_hub").mkdir(parents=True)
    (tmp_path / "none" / "huggingface_hub" / "__init__.py").write_text("raise ImportError('not here')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "none")}
    ran = subprocess.run(PULL, env=env, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr == (
        "vflow models pull: error: models of the hub come by huggingface_hub (not here): "
        "pip install 'vflow-voice[speech]'\n"
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["models", "--help"], ["models", "list"], ["check", "pipelines/voice_agent.yaml"]]
)
def test_no_other_command_imports_the_library(words: list[str]) -> None:
    code = """
import sys
from vflow.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*{'huggingface_hub', 'httpx', 'httpx2'} & set(sys.modules), end="END")
"""
    ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1:] == ["END"], ran
