"""Pulls run against a real HTTP server on this machine, into a cache of the test's own."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub_server import (
    LARGE,
    TOKEN,
    Cut,
    Fault,
    Hub,
    Stall,
    Status,
    Whole,
    Wrong,
    entry,
    point_at,
    serve,
)
from vflow import Unavailable, models
from vflow.models import hub_cache, hub_download, hub_http

NAME = "somebody/speaks-1.5"
WEIGHTS = random.Random(1).randbytes(3_000_000)
SMALL = {"config.json": b"{}", "tokenizer.json": b'{"model": 1}', "README.md": b"It speaks.\n"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that holds one model, and an empty cache."""
    monkeypatch.setattr(hub_http, "PAUSES_S", (0.0, 0.0))
    with serve(tmp_path / "hub") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        served.put(NAME, {**SMALL, "model.safetensors": WEIGHTS})
        yield served


def ignore(text: str, fraction: float | None) -> None:
    pass


def refusal(name: str = NAME, revision: str = "main") -> str:
    """What a pull says that cannot succeed; never a token."""
    with pytest.raises(Unavailable) as caught:
        hub_download.pull(name, ignore, revision)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def partial(tmp_path: Path) -> Path:
    """The one file that a broken pull left."""
    (found,) = (tmp_path / "home").rglob("*.incomplete")
    return found


def test_a_pull_fetches_every_file_whole_and_the_model_is_here(server: Hub) -> None:
    with pytest.raises(Unavailable, match=f"model {re.escape(NAME)} is not here: vflow models pull {NAME}"):
        models.require_hub(NAME)
    assert not models.hub_present(NAME)
    pulled = hub_download.pull(NAME, ignore)
    assert models.hub_present(NAME)
    assert pulled.folder == models.require_hub(NAME)
    assert pulled.folder.name == server.commit(NAME)
    assert {f.name: f.read_bytes() for f in pulled.folder.iterdir()} == server.files(NAME)
    assert pulled.fetched == sum(map(len, server.files(NAME).values()))
    assert not list(hub_cache.cache_dir().rglob("*.incomplete"))


def test_what_is_here_and_whole_is_not_fetched_again(server: Hub) -> None:
    hub_download.pull(NAME, ignore)
    server.seen.clear()
    assert hub_download.pull(NAME, ignore).fetched == 0
    assert [seen.path for seen in server.seen] == [f"/api/models/{NAME}/revision/main"]


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_file_damaged_on_the_disk_is_fetched_again_alone(server: Hub, file: str) -> None:
    folder = hub_download.pull(NAME, ignore).folder
    size = len(server.files(NAME)[file])
    (folder / file).write_bytes(b"x" * size)
    assert hub_download.pull(NAME, ignore).fetched == size
    assert (folder / file).read_bytes() == server.files(NAME)[file]


def test_a_changed_repository_shares_the_files_that_did_not_change(server: Hub) -> None:
    before = hub_download.pull(NAME, ignore).folder
    server.put(NAME, {"config.json": b'{"new": 1}'})
    after = hub_download.pull(NAME, ignore)
    assert after.fetched == len(b'{"new": 1}')
    assert models.require_hub(NAME) == after.folder != before
    assert (before / "config.json").read_bytes() == b"{}"


def test_revisions_are_kept_apart(server: Hub) -> None:
    commit = server.commit(NAME)
    for revision in ("v1", commit):
        folder = hub_download.pull(NAME, ignore, revision).folder
        assert models.require_hub(NAME, revision) == folder
    assert not models.hub_present(NAME)
    assert "has no revision 'v2'; it is a branch, tag or commit" in refusal(revision="v2")
    with pytest.raises(Unavailable, match=f"vflow models pull {NAME} --revision v2"):
        models.require_hub(NAME, "v2")


def test_a_connection_cut_in_the_middle_is_gone_on_from(server: Hub) -> None:
    server.faults["model.safetensors"].extend([Cut(1_000_000), Cut(500_000)])
    folder = hub_download.pull(NAME, ignore).folder
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    stored = [seen.range for seen in server.downloads("model.safetensors") if "/store/" in seen.path]
    assert stored == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(server: Hub) -> None:
    server.faults["model.safetensors"].extend([Cut(1_000_000), Whole()])
    told: list[float] = []
    folder = hub_download.pull(NAME, lambda _, fraction: told.append(fraction or 0)).folder
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert max(told) == told[-1] == 1


def test_a_pull_that_gives_up_keeps_what_came_and_the_next_goes_on(server: Hub, tmp_path: Path) -> None:
    server.faults["model.safetensors"].extend([Cut(1_000_000), *[Cut(0)] * 3])
    said = refusal()
    assert "1000000 of 3000000 bytes of model.safetensors are here and kept" in said
    assert "check the network and pull again" in said
    assert partial(tmp_path).stat().st_size == 1_000_000
    assert not models.hub_present(NAME)
    assert hub_download.pull(NAME, ignore).fetched == 2_000_000
    assert server.downloads("model.safetensors")[-1].range == "bytes=1000000-"


def test_a_pull_that_was_killed_goes_on_where_it_was(server: Hub, tmp_path: Path) -> None:
    # the second request says that the bytes of the first were written
    server.faults["model.safetensors"].extend([Cut(2_000_000), Stall(0)])
    command = [sys.executable, "-m", "vflow.cli.main", "models", "pull", NAME]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as pull:
        assert server.stalled.wait(30)
        pull.kill()
    assert partial(tmp_path).stat().st_size == 2_000_000
    assert hub_download.pull(NAME, ignore).fetched == 1_000_000
    assert (models.require_hub(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_ctrl_c_leaves_at_once_what_the_next_pull_goes_on_from(server: Hub, tmp_path: Path) -> None:
    def interrupt(text: str, fraction: float | None) -> None:
        if fraction and fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub_download.pull(NAME, interrupt)
    kept = partial(tmp_path).stat().st_size
    assert 1_500_000 < kept <= 3_000_000
    assert not models.hub_present(NAME)
    assert hub_download.pull(NAME, ignore).fetched == 3_000_000 - kept


@given(st.lists(st.one_of(st.builds(Cut, st.integers(0, LARGE)), st.just(Whole()), st.just(Status(502)))))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_breaks_a_model_is_here_only_whole(server: Hub, faults: list[Fault]) -> None:
    shutil.rmtree(hub_cache.cache_dir(), ignore_errors=True)
    server.put(NAME, {"model.safetensors": WEIGHTS[:LARGE]})
    server.faults["model.safetensors"] = deque(faults)
    for _ in range(len(faults) + 1):  # a pull that fails has used up three of them
        try:
            hub_download.pull(NAME, ignore)
            break
        except Unavailable:
            assert not models.hub_present(NAME)
    assert (models.require_hub(NAME) / "model.safetensors").read_bytes() == WEIGHTS[:LARGE]


def test_what_is_here_counts_the_part_of_a_broken_file(server: Hub) -> None:
    assert hub_cache.here() == []
    server.faults["model.safetensors"].extend([Cut(1_000_000), *[Cut(0)] * 3])
    refusal()
    (copy,) = hub_cache.here()
    assert (copy.name, copy.size, copy.whole) == (NAME, 1_000_000 + sum(map(len, SMALL.values())), False)
    hub_download.pull(NAME, ignore)
    (copy,) = hub_cache.here()
    assert (copy.size, copy.whole) == (3_000_000 + sum(map(len, SMALL.values())), True)


def test_wrong_bytes_are_removed_and_named(server: Hub, tmp_path: Path) -> None:
    server.faults["model.safetensors"].append(Wrong())
    said = refusal()
    assert "model.safetensors of somebody/speaks-1.5 is not the file that 127.0.0.1 announced" in said
    assert "it was removed: pull again" in said
    assert not list((tmp_path / "home").rglob("*.incomplete"))
    assert not models.hub_present(NAME)
    hub_download.pull(NAME, ignore)


def test_wrong_bytes_of_a_small_file_are_found_too(server: Hub) -> None:
    server.faults["config.json"].append(Wrong())
    assert "config.json of somebody/speaks-1.5 is not the file" in refusal()


def test_a_file_of_another_length_is_refused_before_it_is_read(server: Hub) -> None:
    server.faults["model.safetensors"].append(Status(200, body=b"<html>please log in</html>"))
    assert "sends 26 bytes for /somebody/speaks-1.5" in refusal()


def test_a_server_that_stalls_is_given_up_after_the_timeout(
    server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.5")
    server.faults["model.safetensors"].extend([Stall(0)] * 3)
    said = refusal()
    assert "has sent nothing for 0.5 s; 0 of 3000000 bytes of model.safetensors are here" in said
    server.faults["info"].append(Stall(10))
    assert "127.0.0.1 has sent nothing for 0.5 s; check the network" in refusal()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Status(200, body=b"<html>"), "127.0.0.1 does not answer as a hub does"),
        (Status(200, body=b"\xff\xfe{"), "127.0.0.1 does not answer as a hub does"),
        (Status(200, body=b'{"sha": "x", "siblings": []}'), "holds no config.json"),
        (Status(200, body=b'{"sha": 5}'), "does not answer as a hub does"),
        (Status(200, body=b"[" * 100_000), "does not answer as a hub does"),
        (Status(418, body=b"tea"), "127.0.0.1 answers 418"),
        (Status(503), "127.0.0.1 fails with 503"),
        (Cut(1000), "127.0.0.1 ended the connection before its answer; check the network"),
        (Status(302, {"Location": "file:///etc/passwd"}), "127.0.0.1 answers 302"),
        (Status(429, {"Retry-After": "17"}), "asked too often (429); pull again in 17 s, or set HF_TOKEN"),
        (Status(429), "asked too often (429); pull again later"),
    ],
)
def test_a_listing_that_is_none_says_why(server: Hub, fault: Fault, said: str) -> None:
    server.faults["info"].append(fault)
    assert said in refusal()
    hub_download.pull(NAME, ignore)


@pytest.mark.parametrize(
    "status", [Status(500), Status(403), Status(404), Status(302, {"Location": "http://localhost:1/x"})]
)
def test_a_store_that_fails_once_is_asked_again(server: Hub, status: Status) -> None:
    server.faults["model.safetensors"].append(status)
    hub_download.pull(NAME, ignore)
    assert models.hub_present(NAME)


def test_an_unknown_repository_is_named(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal("somebody/else")
    assert said == "127.0.0.1 has no somebody/else; check its spelling; a private one needs HF_TOKEN"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert refusal("somebody/else") == "127.0.0.1 has no somebody/else; check its spelling"


def test_a_gated_repository_says_what_to_accept_and_set(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.gated.add(NAME)
    page = f"accept its licence at {server.url}/{NAME}"
    assert refusal() == (
        f"{NAME} is gated (401); {page}, and set HF_TOKEN to a token from {server.url}/settings/tokens"
    )
    monkeypatch.setenv("HF_TOKEN", "hf_of-somebody-else")
    said = refusal()
    assert said.startswith(f"127.0.0.1 refuses {NAME} to this HF_TOKEN (403); {page}")
    assert "hf_of" not in said
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub_download.pull(NAME, ignore)


def test_the_token_reaches_the_hub_and_not_its_store(
    server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text(f"{TOKEN}\n")  # as a login leaves it
    hub_download.pull(NAME, ignore)
    assert {(seen.origin, seen.authorization) for seen in server.seen} == {
        ("127.0.0.1", f"Bearer {TOKEN}"),
        ("localhost", None),
    }
    assert TOKEN not in repr(hub_http.from_environment())


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HF_TOKEN", "hf_a\nb", "HF_TOKEN holds characters that no token has"),
        ("HF_ENDPOINT", "ftp://example.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "https://me:secret@example.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "https://huggingface..co", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", f"https://{'a' * 70}.org", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "http://[::1", "HF_ENDPOINT is no address of a hub"),
        ("HF_ENDPOINT", "http://example.org:99999", "HF_ENDPOINT is no address of a hub"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "soon", "HF_HUB_DOWNLOAD_TIMEOUT is 'soon'; it takes seconds"),
        ("HF_HUB_OFFLINE", "1", "HF_HUB_OFFLINE forbids the network"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    server: Hub, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    told = refusal()
    assert told.startswith(said)
    assert "secret" not in told
    assert not server.seen


def test_no_network_is_said_at_once(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{bound.getsockname()[1]}")
        assert refusal().startswith("cannot reach 127.0.0.1: ")


def test_too_little_room_is_said_before_the_first_byte(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2_000_000))
    assert f"no room for {NAME}: 3 MB are needed in " in refusal()
    assert not server.downloads("config.json")


def test_a_disk_that_fills_up_says_so_and_keeps_what_came(
    server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        said = refusal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert "make room or set HF_HOME to another directory, then pull again: what came is kept" in said
    assert partial(tmp_path).stat().st_size == 2_000_000
    assert hub_download.pull(NAME, ignore).fetched == 1_000_000


def test_two_pulls_of_one_model_do_not_write_into_one_file(server: Hub) -> None:
    server.faults["model.safetensors"].append(Stall(1_000_000))
    failed: list[Unavailable] = []

    def first() -> None:
        try:
            hub_download.pull(NAME, ignore)
        except Unavailable as error:
            failed.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    assert server.stalled.wait(10)
    assert refusal() == f"another pull of {NAME} is at work; wait for it"
    server.closing.set()  # ends the stall: the first goes on from where it was
    thread.join()
    assert not failed
    assert models.hub_present(NAME)


def chosen(*files: str) -> set[str]:
    siblings = [hub_http.Sibling(file, 1, "0" * 40) for file in ("config.json", *files)]
    return {file.name for file in hub_download.needed(NAME, siblings)} - {"config.json"}


def test_voxtrals_own_files_are_chosen_without_the_weights_in_another_format() -> None:
    shards = {f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    index = {"model.safetensors.index.json"}
    texts = {"README.md", "generation_config.json", "params.json", "preprocessor_config.json", "tekken.json"}
    assert chosen(*shards, *index, *texts, "consolidated.safetensors", ".gitattributes") == (
        shards | index | texts
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("model.safetensors pytorch_model.bin model.gguf onnx/model.onnx", "model.safetensors"),
        ("model.safetensors original/model.safetensors original/params.json", "model.safetensors"),
        ("model.safetensors model.fp16.safetensors", "model.safetensors"),
        ("pytorch_model.bin training_args.bin optimizer.pt", "pytorch_model.bin"),
        (
            "pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin tf_model.h5",
            "pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin",
        ),
        ("pytorch_model.bin.index.json model.safetensors", "model.safetensors"),
        ("consolidated.safetensors LICENSE", "consolidated.safetensors LICENSE"),
        (
            "model.safetensors chat_template.jinja additional_chat_templates/rag.jinja modeling_own.py a.png",
            "model.safetensors chat_template.jinja additional_chat_templates/rag.jinja",
        ),
        ("model.safetensors ../../evil.json /etc/evil.json a/b.json ..json", "model.safetensors"),
        (
            "model.safetensors tokenizer.model merges.txt LICENSE.txt NOTICE",
            "model.safetensors tokenizer.model merges.txt LICENSE.txt NOTICE",
        ),
    ],
)
def test_what_is_needed_is_chosen_and_nothing_twice(files: str, expected: str) -> None:
    assert chosen(*files.split()) == set(expected.split())


def test_a_repository_without_weights_says_what_it_has(server: Hub) -> None:
    server.put("somebody/packed", {"config.json": b"{}", "a.Q4.gguf": b"1", "a.Q8.gguf": b"2"})
    server.put("somebody/words", {"README.md": b"soon"})
    assert "holds no weights that transformers loads (2 .gguf); take a repository with" in refusal(
        "somebody/packed"
    )
    assert "somebody/words holds no config.json" in refusal("somebody/words")
    assert not server.downloads("config.json")


def test_a_listing_without_hashes_is_refused(server: Hub) -> None:
    for broken in ({"size": None}, {"blobId": "../../x"}, {"size": -1}):
        about = {**entry("config.json", b"{}"), **broken}
        sibling = hub_http.Sibling(**about)  # type: ignore[arg-type]
        with pytest.raises(Unavailable, match=r"states no size and hash of config\.json"):
            hub_download.needed(NAME, [sibling, hub_http.Sibling("model.safetensors", 1, "0" * 40)])


def test_an_index_that_names_a_shard_that_is_not_there_is_refused(server: Hub) -> None:
    index = (
        b'{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )
    files = {"model.safetensors.index.json": index, "model-00001-of-00002.safetensors": b"1"}
    server.put("somebody/sharded", {"config.json": b"{}", **files})
    assert "names shards in its index that it does not hold" in refusal("somebody/sharded")
    assert not models.hub_present("somebody/sharded")
    server.put("somebody/sharded", {"model-00002-of-00002.safetensors": b"2"})
    folder = hub_download.pull("somebody/sharded", ignore).folder
    (folder / "model-00001-of-00002.safetensors").unlink()
    with pytest.raises(Unavailable, match="here in part, not whole: vflow models pull"):
        models.require_hub("somebody/sharded")
    (folder / "model.safetensors.index.json").write_bytes(b"{")
    assert not models.hub_present("somebody/sharded")


@pytest.mark.parametrize("name", ["a/b", "mistralai/Voxtral-Mini-3B-2507", "A_1/b.c-d"])
def test_a_hubs_name_is_told_by_its_form(name: str) -> None:
    assert models.is_hub_name(name)


@pytest.mark.parametrize(
    "text", ["smollm2", "./a", "../a", "/a/b", "~/a", "a/b/c", "a/", "a/..", "a b/c", "a--b/c", "", "a/é"]
)
def test_what_is_no_hubs_name_is_told_by_its_form(text: str) -> None:
    assert not models.is_hub_name(text)
    with pytest.raises(Unavailable, match="is no name of a hub's model"):
        models.require_hub(text)


def test_a_revision_cannot_leave_the_cache(server: Hub) -> None:
    commit = "5" * 40
    (hub_cache.repository(NAME) / "snapshots" / commit).mkdir(parents=True)
    (hub_cache.repository(NAME) / "refs").mkdir()
    (hub_cache.repository(NAME) / "refs" / "main").write_text(commit)
    (hub_cache.cache_dir().parent / "x").write_text(commit)
    assert hub_cache.snapshot(NAME) is not None
    assert hub_cache.snapshot(NAME, "../../../x") is None
    with pytest.raises(Unavailable, match="is no model of a hub"):
        hub_download.pull(NAME, ignore, "../x")
    assert not server.seen


def test_the_cache_is_where_the_hubs_own_library_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = "import huggingface_hub.constants as c; print(c.HF_HUB_CACHE)"
    for variable in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("", "XDG_CACHE_HOME", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"):
        if variable:
            monkeypatch.setenv(variable, f"~/{variable}/$LOGNAME")
        theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert str(hub_cache.cache_dir()) == theirs.stdout.strip(), variable


def library_snapshot(name: str) -> Path:
    """The folder that huggingface_hub's own download of a model ends with."""
    code = "import sys, huggingface_hub as h; print(h.snapshot_download(sys.argv[1]))"
    quiet = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", code, name]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=quiet)
    return Path(ran.stdout.strip())


def test_the_hubs_own_library_finds_what_was_pulled_and_fetches_nothing_of_it(server: Hub) -> None:
    folder = hub_download.pull(NAME, ignore).folder
    server.seen.clear()
    assert library_snapshot(NAME) == folder
    assert not [seen for seen in server.seen if "/resolve/" in seen.path or "/store/" in seen.path]


def test_what_the_hubs_own_library_fetched_is_here(server: Hub) -> None:
    folder = library_snapshot(NAME)
    assert models.require_hub(NAME) == folder
    assert hub_download.pull(NAME, ignore).fetched == 0


def test_transformers_loads_by_name_and_offline_what_was_pulled(server: Hub, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    config = transformers.LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    torch.manual_seed(0)
    made = transformers.LlamaForCausalLM(config)
    made.save_pretrained(server.root / "somebody" / "tiny", max_shard_size="200KB")
    assert len(list((server.root / "somebody" / "tiny").glob("model-*.safetensors"))) > 1
    assert max(file.stat().st_size for file in (server.root / "somebody" / "tiny").iterdir()) > LARGE
    folder = hub_download.pull("somebody/tiny", ignore).folder
    code = """
import sys, torch, transformers
for source in sys.argv[1:]:
    model = transformers.AutoModelForCausalLM.from_pretrained(source)
    with torch.no_grad():
        print(model(torch.arange(8)[None]).logits.double().sum().item())
"""
    server.seen.clear()
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", code, "somebody/tiny", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=offline)
    with torch.no_grad():
        expected = made.eval()(torch.arange(8)[None]).logits.double().sum().item()
    assert [float(line) for line in ran.stdout.split()] == pytest.approx([expected] * 2, abs=1e-6)
    assert not server.seen


def test_the_names_cost_no_library_that_talks_to_a_network() -> None:
    code = "import sys, vflow.models; print(*{'huggingface_hub', 'http.client', 'ssl'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
