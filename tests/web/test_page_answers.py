"""The page and the agent that comes with vflow: a spoken question is answered aloud, and rightly."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from tests.pipelines.conftest import PIPELINES, run_in
from tests.web import browser, serving


@pytest.mark.timeout(300)
def test_a_question_that_is_spoken_is_answered_aloud(tmp_path: Path) -> None:
    with (
        browser.browser(tmp_path) as chromium,
        serving.command(PIPELINES / "voice_agent.yaml") as url,
        browser.page(chromium, records=True) as page,
    ):
        page.patience_s *= 3  # its models share the cores with other tests
        page.open(url)
        assert "token" not in page.window.url
        page.window.click("#talk")
        page.wait("document.querySelectorAll('.answer .word').length > 0")
        assert "turn_ended" not in [each.get("message", {}).get("type") for each in page.told()]
        ended = page.wait_for("turn_ended")
        samples, rate = page.heard()
        assert "capital of France" in page.window.inner_text(".asked")
        assert page.faults == []
    assert "Paris" in ended["heard"]
    heard = tmp_path / "heard.wav"
    soundfile.write(heard, samples, rate)
    assert "Paris" in run_in(tmp_path, "transcribe.yaml", input=heard, output=False).out
