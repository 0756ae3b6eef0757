"""Draw a picture of a graph as PNG, with the Chromium or Chrome of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from vflow.errors import VflowError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SCALE = 2
"""Pixels of the file per pixel of the picture, so that it is sharp."""
HEAD = '<!doctype html><meta charset="utf-8"><body style="margin:0">'
TIMEOUT_S = 60.0
_SIZE = re.compile(r'width="([0-9.]+)" height="([0-9.]+)"')


def browser() -> str | None:
    """Return the path of a browser that can draw; None if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def png(svg: str) -> bytes:
    """Draw an SVG of `vflow.picture.svg`, in light colours. Blocks for a second or two. Raises: VflowError if
    there is no browser, or it fails."""
    program = browser()
    if program is None:
        raise VflowError("PNG is drawn by Chromium or Chrome, and neither is here; install one, or write SVG")
    found = _SIZE.search(svg)
    width, height = (float(part) for part in found.groups()) if found else (800.0, 600.0)
    with tempfile.TemporaryDirectory(prefix="vflow-png-") as folder:
        page, drawn = Path(folder, "picture.html"), Path(folder, "picture.png")
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><body style="margin:0">{svg}', encoding="utf-8"
        )
        command = [
            program, "--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
            f"--force-device-scale-factor={SCALE}", f"--window-size={int(width) + 1},{int(height) + 1}",
            f"--screenshot={drawn}", *(["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
            page.as_uri(),
        ]  # fmt: skip
        try:
            ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VflowError(f"{program} did not draw the picture: {error}; write SVG") from error
        if not drawn.exists():
            said = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [
                f"exit {ran.returncode}"
            ]
            raise VflowError(f"{program} did not draw the picture: {said[0]}; write SVG")
        return drawn.read_bytes()
