"""Run a headless Chromium with a recording as its microphone; `probe.js` watches its windows."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.stand_ins import PATIENCE_S
from vflow import Samples

HERE = Path(__file__).parent
QUESTION = HERE.parents[1] / "pipelines" / "question.wav"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
LOOK_MS = 20
"""Time between two looks at the page."""


def chromium() -> str:
    """Return the browser's path. Skip the test if there is no browser; in CI fail it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no chromium; apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return str(found)


@contextmanager
def browser(folder: Path) -> Iterator[Any]:
    """Run a browser whose microphone, each time it is opened, plays the pipelines' question, then silence."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    said, rate = soundfile.read(QUESTION, dtype="float32")
    wav = folder / "microphone.wav"
    soundfile.write(wav, np.concatenate([np.zeros(rate // 2, np.float32), said]), rate, subtype="PCM_16")
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={wav}%noloop"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield running
        finally:
            running.close()


@dataclass
class Page:
    """One window; `faults` are the errors of its console and its network."""

    window: Any
    faults: list[str] = field(default_factory=list)
    patience_s: float = PATIENCE_S

    def open(self, url: str) -> None:
        self.window.goto(url)

    def wait(self, condition: str, argument: Any = None) -> None:
        """Wait until an expression of the page is true, by evaluating it again and again: playwright's own
        way evaluates a string inside the page, which the page's policy forbids."""
        deadline = time.monotonic() + self.patience_s
        while not self.window.evaluate(condition, argument):
            assert time.monotonic() < deadline, f"{condition}: never; {self.said()}"
            self.window.wait_for_timeout(LOOK_MS)

    def said(self) -> str:
        """Return the text that one reads on the page."""
        return " ".join(self.window.inner_text("body").split())

    def wait_for(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for the server's message of a kind, and return it: the first, or the `count`th."""
        messages = "probe.told.filter(t => t.kind === 'received' && t.message.type === k).map(t => t.message)"
        self.wait(f"([k, n]) => {messages}.length >= n", [kind, count])
        found: dict[str, Any] = self.window.evaluate(f"([k, n]) => {messages}[n - 1]", [kind, count])
        return found

    def told(self) -> list[dict[str, Any]]:
        """Return the messages that were sent, received and shown, in order."""
        found: list[dict[str, Any]] = self.window.evaluate("probe.told")
        return found

    def heard(self) -> tuple[Samples, int]:
        """Wait for silence; return the audio played from the first sound on, `(n,) float32`, and its rate."""
        self.wait("probe.blocks.length > 0 && probe.blocks.at(-1).every(sample => sample === 0)")
        pcm = base64.b64decode(self.window.evaluate("probe.played()"))
        return np.frombuffer(pcm, "<i2").astype(np.float32) / 32767, int(self.window.evaluate("probe.rate"))


@contextmanager
def page(running: Any, records: bool = False, **options: Any) -> Iterator[Page]:
    """Open a fresh window without memory. With `records` it keeps the audio it plays; then it ignores the
    content policy, which forbids the recorder. `options` are those of a context in playwright."""
    context = running.new_context(**{"permissions": ["microphone"], "bypass_csp": records, **options})
    try:
        window = context.new_page()
        window.set_default_timeout(PATIENCE_S * 1000)
        watched = Page(window)
        window.add_init_script(path=HERE / "probe.js")
        window.add_init_script(f"globalThis.recordsAll = {str(records).lower()}")
        window.on("pageerror", lambda error: watched.faults.append(str(error)))
        window.on(
            "console",
            lambda told: (
                told.type in ("error", "warning") and watched.faults.append(f"{told.text} ({told.location})")
            ),
        )
        window.on("requestfailed", lambda request: watched.faults.append(f"failed: {request.url}"))
        yield watched
    finally:
        context.close()
