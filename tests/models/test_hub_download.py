"""Pulls through huggingface_hub from a real HTTP server on this machine, into a cache of the test's own."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub_server import LARGE, Cut, Fault, Hub, Stall, Status, Wrong
from tests.models.conftest import NAME, SMALL, WEIGHTS, ignore, refusal
from vflow import Unavailable, models
from vflow.models import hub_cache, hub_download, hub_library
from vflow.models.progress import TransferProgress

CHUNK = 10 << 20
"""Bytes that huggingface_hub writes at once; it goes on from a whole number of them."""
COMMAND = [sys.executable, "-m", "vflow.cli.main", "models", "pull", NAME]


def leftovers(tmp_path: Path) -> list[Path]:
    """Return the files that broken pulls left."""
    return list((tmp_path / "home").rglob("*.incomplete"))


def test_a_pull_fetches_every_file_whole_and_the_model_is_here(server: Hub) -> None:
    assert not models.hub_present(NAME)
    pulled = hub_download.pull(NAME, ignore)
    assert models.hub_present(NAME)
    assert pulled.folder == models.require_hub(NAME)
    assert pulled.folder.name == server.commit(NAME)
    assert {f.name: f.read_bytes() for f in pulled.folder.iterdir()} == server.files(NAME)
    assert pulled.fetched == sum(map(len, server.files(NAME).values()))


def test_a_complete_model_is_not_fetched_again(server: Hub) -> None:
    hub_download.pull(NAME, ignore)
    server.seen.clear()
    assert hub_download.pull(NAME, ignore).fetched == 0
    assert not [seen for seen in server.seen if "/resolve/" in seen.path or "/store/" in seen.path]


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_file_damaged_on_the_disk_is_named_and_fetched_again_alone(server: Hub, file: str) -> None:
    folder = hub_download.pull(NAME, ignore).folder
    size = len(server.files(NAME)[file])
    (folder / file).write_bytes(b"x" * size)
    said: list[str] = []
    assert hub_download.pull(NAME, lambda text, _: said.append(text)).fetched == size
    assert f"damaged here, and fetched again: {file}" in said
    assert (folder / file).read_bytes() == server.files(NAME)[file]


def test_a_damaged_file_that_the_user_linked_from_elsewhere_is_not_removed(
    server: Hub, tmp_path: Path
) -> None:
    folder = hub_download.pull(NAME, ignore).folder
    (tmp_path / "own.json").write_bytes(b"mine")
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(tmp_path / "own.json")
    hub_download.pull(NAME, ignore)
    assert (folder / "config.json").read_bytes() == SMALL["config.json"]
    assert (tmp_path / "own.json").read_bytes() == b"mine"


def test_a_changed_repository_shares_the_files_that_did_not_change(server: Hub) -> None:
    before = hub_download.pull(NAME, ignore).folder
    server.put(NAME, {"config.json": b'{"new": 1}'})
    after = hub_download.pull(NAME, ignore)
    assert after.fetched == len(b'{"new": 1}')
    assert models.require_hub(NAME) == after.folder != before
    assert (before / "config.json").read_bytes() == b"{}"


def test_a_broken_pull_of_a_newer_commit_leaves_the_older_in_use(server: Hub) -> None:
    before = hub_download.pull(NAME, ignore).folder
    server.put(NAME, {"config.json": b'{"new": 1}'})
    server.faults["config.json"].append(Status(500))
    refusal()
    assert models.require_hub(NAME) == before


def test_revisions_are_kept_apart(server: Hub) -> None:
    for revision in ("v1", server.commit(NAME)):
        folder = hub_download.pull(NAME, ignore, revision).folder
        assert models.require_hub(NAME, revision) == folder
    assert not models.hub_present(NAME)
    assert refusal(revision="v2") == f"{NAME} has no revision 'v2'; it is a branch, tag or commit"
    assert "is no model of a hub" in refusal(revision="../x")


def test_files_are_pulled_by_name_out_of_a_repository_that_is_no_model(server: Hub) -> None:
    files = {
        "README.md": b"Sounds.\n",
        "onnx/model.onnx": WEIGHTS,
        "onnx/model_q4.onnx": b"4",
        "voices.bin": b"v",
    }
    server.put("somebody/sounds", files)
    said = refusal("somebody/sounds")
    assert said.endswith("vflow models pull somebody/sounds --file '*.onnx'")
    pulled = hub_download.pull("somebody/sounds", ignore, patterns=["*/model.onnx", "voices.*"])
    assert pulled.fetched == len(WEIGHTS) + 1
    assert (pulled.folder / "onnx/model.onnx").read_bytes() == WEIGHTS
    assert not (pulled.folder / "onnx/model_q4.onnx").exists()
    assert [(copy.name, copy.state) for copy in hub_cache.here()] == [("somebody/sounds", "files")]
    assert hub_download.pull("somebody/sounds", ignore, patterns=["*.onnx"]).fetched == 1
    server.seen.clear()
    assert "no file of somebody/sounds matches '*.gguf'; it holds onnx/model.onnx, " in refusal(
        "somebody/sounds", patterns=["*.onnx", "*.gguf"]
    )
    assert not [seen for seen in server.seen if "/resolve/" in seen.path]


def test_files_pulled_by_name_are_checked_too(server: Hub) -> None:
    server.faults["model.safetensors"].append(Wrong())
    assert "wrong checksum: model.safetensors" in refusal(patterns=["*.safetensors"])


def test_a_connection_cut_in_the_middle_is_gone_on_from_within_a_pull(server: Hub) -> None:
    weights = random.Random(2).randbytes(CHUNK + 1_000_000)
    server.put(NAME, {"model.safetensors": weights})
    server.faults["model.safetensors"].append(Cut(CHUNK + 500_000))
    told: list[float] = []
    pulled = hub_download.pull(NAME, lambda _, fraction: told.append(fraction or 0))
    assert (pulled.folder / "model.safetensors").read_bytes() == weights
    assert [seen.range for seen in server.downloads("model.safetensors")] == [None, f"bytes={CHUNK}-"]
    assert told[-2:] == [1, 0]  # all of it, then the check
    assert max(told) == 1


def test_a_pull_that_was_killed_goes_on_with_the_next_file(server: Hub, tmp_path: Path) -> None:
    server.faults["model.safetensors"].append(Stall(2_000_000))
    with subprocess.Popen(COMMAND, stderr=subprocess.DEVNULL) as pull:
        assert server.stalled.wait(60)
        pull.kill()
    assert leftovers(tmp_path)
    assert [copy.state for copy in hub_cache.here()] == ["in part"]
    assert hub_download.pull(NAME, ignore).fetched == len(WEIGHTS)
    assert not leftovers(tmp_path)
    assert models.hub_present(NAME)


def test_ctrl_c_ends_a_pull_at_once_though_the_server_is_silent(server: Hub, tmp_path: Path) -> None:
    server.faults["model.safetensors"].append(Stall(2_000_000))
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True) as pull:
        assert server.stalled.wait(60)
        pull.send_signal(signal.SIGINT)
        _, said = pull.communicate()  # the server is silent for longer than the library would wait for it
    assert pull.returncode == 130
    assert f"the files of {NAME} that came whole are kept: pull it again, and it goes on with" in said
    assert "Traceback" not in said
    assert len(server.downloads("model.safetensors")) == 1  # it did not wait for its timeout, and try again
    assert not leftovers(tmp_path)
    assert hub_download.pull(NAME, ignore).fetched == len(WEIGHTS)


@given(
    st.lists(
        st.one_of(st.builds(Cut, st.integers(0, LARGE)), st.just(Wrong()), st.just(Status(502))), max_size=12
    )
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_broken_pull_leaves_no_model_that_seems_complete(server: Hub, faults: list[Fault]) -> None:
    shutil.rmtree(hub_cache.cache_dir(), ignore_errors=True)
    server.put(NAME, {"model.safetensors": WEIGHTS[:LARGE]})
    server.faults["model.safetensors"] = deque(faults)
    for _ in range(len(faults) + 1):
        try:
            hub_download.pull(NAME, ignore)
            break
        except Unavailable:
            assert not models.hub_present(NAME)
    assert (models.require_hub(NAME) / "model.safetensors").read_bytes() == WEIGHTS[:LARGE]


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_wrong_bytes_are_removed_and_named(server: Hub, file: str) -> None:
    server.faults[file].append(Wrong())
    said = refusal()
    assert said.startswith(f"removed of {NAME}, since it came with a wrong checksum: {file}; pull again")
    assert file not in {path.name for path in hub_cache.here()[0].folder.iterdir()}
    assert not models.hub_present(NAME)
    hub_download.pull(NAME, ignore)
    assert models.hub_present(NAME)


def test_a_damaged_blob_that_an_older_snapshot_shares_is_removed_from_both(server: Hub) -> None:
    old = hub_download.pull(NAME, ignore).folder
    (old / "model.safetensors").write_bytes(b"x" * len(WEIGHTS))
    server.put(NAME, {"config.json": b'{"new": 1}'})
    assert "wrong checksum: model.safetensors" in refusal()
    assert not (old / "model.safetensors").exists()
    assert hub_download.pull(NAME, ignore).fetched == len(WEIGHTS)


def test_too_little_room_is_said_before_the_first_byte(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2_000_000))
    assert f"no room for {NAME}: 3 MB are needed in " in refusal()
    assert not server.downloads("config.json")


def test_a_disk_that_fills_up_says_so_and_keeps_the_files_that_came(
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
    assert said.startswith(f"could not store {NAME} in ")
    assert "make room or set HF_HOME to another directory, then pull again: the files that came" in said
    assert not leftovers(tmp_path)
    assert hub_download.pull(NAME, ignore).fetched == len(WEIGHTS)


def test_a_second_pull_waits_for_the_file_that_the_first_fetches_and_takes_it(server: Hub) -> None:
    server.faults["model.safetensors"].append(Stall(1_000_000))
    with subprocess.Popen(COMMAND, stderr=subprocess.DEVNULL) as first:
        assert server.stalled.wait(60)
        begun: threading.Event = threading.Event()
        fetched: list[int] = []

        def second() -> None:
            pulled = hub_download.pull(NAME, lambda text, _: begun.set() if "files" in text else None)
            fetched.append(pulled.fetched)

        thread = threading.Thread(target=second)
        thread.start()
        assert begun.wait(60)
        server.closing.set()  # ends the stall: the first asks again
        thread.join()
        assert first.wait() == 0
    assert fetched == [0]
    assert models.hub_present(NAME)
    assert len([seen for seen in server.downloads("model.safetensors") if "/store/" in seen.path]) == 2


def test_files_that_a_running_pull_writes_are_not_removed(server: Hub, tmp_path: Path) -> None:
    server.put("somebody/other", {"config.json": b"{}"})
    server.faults["model.safetensors"].append(Stall(1_000_000))
    with subprocess.Popen(COMMAND, stderr=subprocess.DEVNULL) as first:
        assert server.stalled.wait(60)
        (writing,) = leftovers(tmp_path)
        hub_download.pull(NAME, ignore, patterns=["config.json"])
        assert leftovers(tmp_path) == [writing]
        first.kill()


def test_a_pull_says_how_far_it_is_in_bytes(server: Hub) -> None:
    told: list[tuple[str, float | None]] = []
    server.tags = ("license:apache-2.0", "other")
    hub_download.pull(NAME, lambda *what: told.append(what))
    assert told[0] == ("asking 127.0.0.1 for somebody/speaks-1.5", None)
    assert told[1] == (f"{NAME}: 4 files, 3 MB, licence apache-2.0", None)
    assert told[-2:] == [("3 MB of 3 MB", 1.0), (f"checking {NAME}", None)]


def test_progress_moves_with_what_hf_xet_reports(server: Hub) -> None:
    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    told: list[tuple[str, float | None]] = []
    hub = hub_library.connect(NAME, "main")
    bar = hub_download._bar(hub, TransferProgress(lambda *what: told.append(what), 2_000_000, 0))
    with XetDownloadProgressReporter(
        reconstruction_desc="a", total=2_000_000, log_level=20, tqdm_class=bar
    ) as report:
        for done in (500_000, 1_000_000, 2_000_000):  # fewer come over the wire: some are here already
            report.update_progress(
                SimpleNamespace(
                    total_bytes=2_000_000,
                    total_bytes_completed=done,
                    total_transfer_bytes_completed=done // 2,
                    total_bytes_completion_rate=1e6,
                    total_transfer_bytes_completion_rate=5e5,
                )
            )
    assert told[-1] == ("2 MB of 2 MB", 1.0)


def test_an_index_that_names_a_shard_that_is_not_there_is_refused(server: Hub) -> None:
    index = (
        b'{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )
    files = {"model.safetensors.index.json": index, "model-00001-of-00002.safetensors": b"1"}
    server.put("somebody/sharded", {"config.json": b"{}", **files})
    assert "names shards in its index that it does not hold" in refusal("somebody/sharded")
    assert not models.hub_present("somebody/sharded")
    server.put("somebody/sharded", {"model-00002-of-00002.safetensors": b"2"})
    hub_download.pull("somebody/sharded", ignore)
    assert models.hub_present("somebody/sharded")


def library_snapshot(name: str) -> Path:
    """The folder that huggingface_hub's own download of a model ends with."""
    code = "import sys, huggingface_hub as h; print(h.snapshot_download(sys.argv[1]))"
    quiet = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", code, name]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=quiet)
    return Path(ran.stdout.strip())


def test_a_model_that_the_hubs_own_library_fetched_is_here(server: Hub) -> None:
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
