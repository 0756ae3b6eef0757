"""The page in a real browser whose network is cut."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from tests import scripted_agent
from tests.web import browser, serving
from tests.web.cutting import Cutting

WORD_MS = 120


def spoken_reply() -> np.ndarray:
    """All words of the reply, as 16 bit numbers."""
    frames = WORD_MS * scripted_agent.VOICE_RATE // 1000
    word = (0.2 * np.sin(np.arange(frames) * 0.1)).astype(np.float32)
    return (np.tile(word, len(scripted_agent.REPLY.split())) * 32767).astype("<i2").astype(int)


def test_a_reply_goes_on_from_the_exact_sample_where_the_network_comes_back(tmp_path: Path) -> None:
    with (
        browser.browser(tmp_path) as chromium,
        serving.scripted(tmp_path) as url,
        Cutting(urlsplit(url).port or 0, repeat(1 << 60)) as network,
        browser.page(chromium, records=True) as page,
    ):
        page.open(f"http://127.0.0.1:{network.port}/#{urlsplit(url).fragment}")
        page.window.fill("#text", "go on")
        page.window.keyboard.press("Enter")
        for cut in range(1, 4):
            page.wait("n => probe.blocks.length > n", 15 * cut)
            network.cut()
            page.wait_for("ready", 1 + cut)
        turn = page.wait_for("turn_ended")
        heard, _ = page.heard()
        shown = page.window.locator(".answer .word").all_text_contents()
        assert page.window.evaluate("document.body.dataset.state") == "idle"
        assert page.window.locator(".alert").count() == 0
        assert [fault for fault in page.faults if "WebSocket" not in fault] == []
    assert turn["heard"] == scripted_agent.REPLY
    assert shown == scripted_agent.REPLY.split()
    wanted, samples = spoken_reply(), np.round(heard * 32767).astype(int)
    wanted, samples = wanted[np.abs(wanted) > 2], samples[np.abs(samples) > 1]  # the recorder rounds to 0
    late = len(wanted) - len(samples)
    assert 0 <= late < 0.2 * scripted_agent.VOICE_RATE, "a recorder that begins late misses the beginning"
    assert np.abs(samples - wanted[late:]).max() <= 1
