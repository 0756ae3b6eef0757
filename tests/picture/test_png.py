"""The picture as PNG, by a real browser."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest

from tests.picture.graphs import agent, chain
from vflow import VflowError
from vflow.picture import png
from vflow.picture.scene import scene
from vflow.picture.svg import svg

missing = pytest.mark.skipif(
    png.browser() is None and "CI" not in os.environ, reason="neither Chromium nor Chrome is here"
)


@missing
def test_a_browser_draws_the_picture_at_twice_its_size() -> None:
    drawn = svg(scene(chain(3)))
    made = png.png(drawn)
    assert made.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", made[16:24])
    found = png._SIZE.search(drawn)
    assert found is not None
    assert [width, height] == [(int(float(size)) + 1) * png.SCALE for size in found.groups()]


def test_a_browser_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no display')\n")
    broken.chmod(0o755)
    monkeypatch.setattr(png, "browser", lambda: str(broken))
    with pytest.raises(VflowError, match="did not draw the picture: no display; write SVG"):
        png.png(svg(scene(agent())))


def test_a_browser_that_cannot_be_run_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(png, "browser", lambda: str(tmp_path))
    with pytest.raises(VflowError, match=r"did not draw the picture: .*; write SVG"):
        png.png(svg(scene(agent())))
