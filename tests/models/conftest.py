"""Serve a hub on this machine with one model, for pulls through the real huggingface_hub."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.hub_server import TOKEN, Hub, point_at, serve
from vflow import Unavailable
from vflow.models import hub_download

NAME = "somebody/speaks-1.5"
WEIGHTS = random.Random(1).randbytes(3_000_000)
SMALL = {"config.json": b"{}", "tokenizer.json": b'{"model": 1}', "README.md": b"It speaks.\n"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a hub with one model, beside an empty cache. The library does not wait between its tries."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    from huggingface_hub import file_download
    from huggingface_hub.utils import _http

    for module in (file_download, _http):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda seconds: None))
    with serve(tmp_path / "hub") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        served.put(NAME, {**SMALL, "model.safetensors": WEIGHTS})
        yield served
        huggingface_hub.close_session()


def ignore(text: str, fraction: float | None) -> None:
    pass


def refusal(name: str = NAME, revision: str = "main", patterns: Sequence[str] = ()) -> str:
    """Return the error of a pull that fails; check that it holds no token and no terminal command."""
    with pytest.raises(Unavailable) as caught:
        hub_download.pull(name, ignore, revision, patterns)
    said = str(caught.value)
    assert TOKEN not in said
    assert said.isprintable()
    return said
