"""The page of a run in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.conftest import LONG
from tests.live.watched import server
from tests.scripted_agent import REPLY
from tests.web import browser
from tests.web.browser import Page
from vflow.bus import Message
from vflow.live.feed import Feed
from vflow.session.session import Session

WORDS = REPLY.split()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser.browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def page(chromium: Any, feed: Feed) -> Iterator[Page]:
    """Open the page; fail if it has reported an error by the end."""
    with server(feed) as served, browser.page(chromium) as window:
        window.open(served.url)
        window.wait_for("figures")
        yield window
        assert window.faults == []


def test_the_picture_has_figures_and_the_turn_its_words_and_stages(page: Page, session: Session) -> None:
    assert page.window.locator("[data-node]").count() == len(session.graph.nodes)
    page.wait(
        "[...document.querySelectorAll('[data-link]')].every(link => !link.querySelector('.queue') ||"
        " /\\d+ %/.test(link.textContent) && /\\/s/.test(link.textContent))"
    )
    page.wait("document.querySelector('[data-node=answer]').textContent.includes('busy')")
    session.ask("What about Rome?")
    page.wait(f"document.querySelectorAll('.answer .word').length === {len(WORDS)}")
    page.wait("document.querySelectorAll('#times tbody tr').length > 2")
    stages = page.window.locator("#times tbody").first.locator("th").all_inner_texts()
    assert stages[-1] == "Speaking"
    assert page.window.locator("#times tr.cut").count() == 0
    assert "token" not in page.window.evaluate("location.href")


@LONG
def test_a_reply_that_is_cut_is_struck_and_so_is_its_stage(page: Page, session: Session) -> None:
    session.ask("What about Rome?")
    page.wait("document.querySelectorAll('.answer .word').length > 0")
    session.interrupt()
    page.wait("document.querySelectorAll('#times tr.cut').length === 1")
    page.wait("document.querySelectorAll('.answer s .word').length > 0")


def test_a_warning_is_told_and_marked_at_its_node_or_link(page: Page, session: Session) -> None:
    session.pipeline.nodes["voice"].ctx.warn("it stalls, and is at\n  File <b>")
    page.wait("document.querySelector('[data-node=voice] .warning') !== null")
    assert "it stalls" in page.window.inner_text("#alerts")
    assert page.window.locator("#alerts b").count() == 0
    link = next(iter(session.pipeline.levels()))
    warning = Message("warning", link, 0, "too slow: audio is dropped")
    session.pipeline.bus.post(warning)
    page.wait("link => document.querySelector(`[data-link='${link}'] .warning`) !== null", link)


def test_refused_value_is_reported_and_the_field_shows_the_present_one(page: Page, session: Session) -> None:
    page.window.click(".more summary")
    page.window.fill("#property-voice-gain", "6")
    page.window.keyboard.press("Tab")
    page.wait_for("property")
    assert session.pipeline.nodes["voice"].gain == 6  # type: ignore[attr-defined]
    page.window.evaluate(
        "const field = document.querySelector('#property-voice-speed');"
        "field.max = 50; field.value = 40; field.dispatchEvent(new Event('change'))"
    )
    page.wait_for("warning")
    page.wait("document.querySelector('#property-voice-speed').value === '1'")
    assert "at most 2" in page.window.inner_text("#alerts")


def test_the_end_of_the_run_is_a_sentence_and_leaves_the_picture(page: Page, session: Session) -> None:
    session.pipeline.stop()
    page.wait("document.querySelector('#alerts').textContent.includes('The run has ended')")
    assert page.window.locator("[data-node]").count() == len(session.graph.nodes)
    assert page.window.evaluate("document.body.dataset.state") == "offline"


def test_page_without_its_token_says_which_address_to_open(chromium: Any, feed: Feed) -> None:
    with server(feed) as served, browser.page(chromium) as window:
        window.open(served.url.partition("#")[0])
        window.wait("document.querySelector('#alerts').textContent.includes('Open the whole address')")
