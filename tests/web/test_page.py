"""The page in a real browser, its microphone a recording; the agent's replies are written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scripted_agent import REPLY
from tests.web import browser, serving
from tests.web.browser import Page

WORDS = REPLY.split()
WORD_MS = 120
STRUCK = "[...document.querySelectorAll('.turn s .word')].map(word => word.textContent)"
HEARD = "[...document.querySelectorAll('.turn .answer > .word')].map(word => word.textContent)"
STATE = "document.body.dataset.state"
COLORS = (
    "ink", "muted", "accent", "on-accent", "late", "speaking", "thinking",
    "ground", "surface", "raised", "tint", "late-tint",
)  # fmt: skip
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser.browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an agent that answers everything with WORDS."""
    with serving.scripted(tmp_path_factory.mktemp("agent")) as url:
        yield url


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Open]:
    """Opens windows; none of them may complain of anything by the end."""
    with ExitStack() as stack:
        opened = []

        def open_page(url: str, script: str = "", **options: Any) -> Page:
            page = stack.enter_context(browser.page(chromium, **options))
            if script:
                page.window.add_init_script(script)
            page.open(url)
            opened.append(page)
            return page

        yield open_page
        assert [fault for page in opened for fault in page.faults] == []


def sentences(page: Page) -> str:
    text: str = page.window.inner_text("#alerts")
    return " ".join(text.split())


def test_words_appear_as_they_sound_and_before_the_reply_ends(open_page: Open, agent: str) -> None:
    page = open_page(agent, records=True)
    page.window.click("#talk")
    page.wait_for("turn_ended")
    page.wait(f"document.querySelectorAll('.answer .word').length === {len(WORDS)}")
    told = page.told()
    shown = [at for at, each in enumerate(told) if each["kind"] == "shown"]
    assert [told[at]["text"] for at in shown] == WORDS
    received = [each.get("message", {}).get("type") if each["kind"] == "received" else "" for each in told]
    last_word = len(received) - 1 - received[::-1].index("word")
    assert sum(at < last_word for at in shown) < len(WORDS) / 2, (
        "words are shown when they come, not when they sound"
    )
    assert sum(at < received.index("turn_ended") for at in shown) >= len(WORDS) - 1
    samples, rate = page.heard()
    assert len(samples) >= len(WORDS) * WORD_MS / 1000 * rate - 1024, "the reply was not played to its end"
    assert "answered after" in page.window.inner_text(".turn .times")


def test_a_second_utterance_silences_the_reply(open_page: Open, tmp_path: Path) -> None:
    with serving.scripted(tmp_path, word_ms=3 * WORD_MS) as url:
        page = open_page(url, records=True)
        page.window.click("#talk")
        page.wait(f"{HEARD}.length > 6")  # of fewer words a turn may be taken back
        page.window.click("#talk")  # the recording begins again with the next
        page.window.click("#talk")
        cut = page.wait_for("interrupted")
        page.wait(f"{STRUCK}.length > 0")
        before = page.window.evaluate(f"{HEARD}.length")
        page.wait(f"count => {HEARD}.length > count", before)
        page.window.keyboard.press("Escape")
        page.wait_for("interrupted", 2)
        samples, rate = page.heard()
    told = page.told()
    first = page.window.locator(".turn").first
    assert first.locator(".word").all_inner_texts() == WORDS[: first.locator(".word").count()]
    assert "interrupted" in first.inner_text()
    # what sounded is what was reported of both replies, to the sample: nothing leaks after the cut
    reported = {
        each["message"]["turn"]: each["message"]["seconds"]
        for each in told
        if each["kind"] == "sent" and each["message"]["type"] == "played"
    }
    assert reported[cut["turn"]] < len(WORDS) * 3 * WORD_MS / 1000
    zeros = 0.01 * rate  # a tone and a fade have some
    assert np.count_nonzero(samples) == pytest.approx(sum(reported.values()) * rate, abs=zeros)
    print(f"silent {page.window.evaluate('probe.stop()'):.1f} ms after the interruption was told")


def test_a_typed_turn_needs_no_microphone(open_page: Open, agent: str) -> None:
    page = open_page(agent, permissions=[])
    page.window.fill("#text", "What about Rome?")
    page.window.keyboard.press("Enter")
    page.wait_for("turn_ended")
    page.wait(f"{HEARD}.length === {len(WORDS)}")
    assert "What about Rome?" in page.window.inner_text(".asked")
    assert page.window.evaluate("probe.bytes") == 0
    page.window.evaluate("document.querySelector('.card').open = false")
    page.window.click(".turn .times")
    assert "First word" in page.window.inner_text("#times")
    with page.window.expect_download() as saved:
        page.window.click("#download")
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert re.search(r"You: What about Rome\?\n.*Agent: " + re.escape(REPLY), text)


def test_a_session_that_has_ended_is_followed_by_another(open_page: Open, agent: str) -> None:
    page = open_page(agent)
    for turns, says in enumerate(["first", "second"], start=1):
        page.window.fill("#text", says)
        page.window.keyboard.press("Enter")
        page.wait(f"document.querySelectorAll('.turn .answer .word').length > {len(WORDS) * (turns - 1)}")
        page.window.click("#end")
        page.wait(f"{STATE} === 'offline'")
    assert page.window.locator(".asked").all_text_contents() == ["You: first", "You: second"]
    assert page.window.evaluate(STRUCK), "what was not heard of a reply is not struck through"
    assert sentences(page) == ""
    page.window.fill("#text", "third")
    page.window.keyboard.press("Enter")
    page.wait(f"{STATE} !== 'offline' && {STATE} !== 'connecting'")
    page.window.evaluate("probe.socket.close()")
    page.wait("document.querySelector('#alerts').textContent.includes('The connection was lost')")


def test_hot_properties_are_under_settings(open_page: Open, agent: str) -> None:
    page = open_page(agent)
    page.window.click("#talk")
    page.wait_for("ready")
    page.window.focus("#property-voice-speed")
    page.window.keyboard.press("ArrowRight")
    page.window.select_option("#property-voice-voice", "high")
    page.window.click(".more summary")
    page.window.fill("#property-voice-gain", "3")
    page.window.keyboard.press("Tab")
    changes = "probe.told.filter(t => t.kind === 'sent' && t.message.type === 'set').map(t => t.message)"
    page.wait(f"{changes}.length === 3")
    assert [(each["property"], each["value"]) for each in page.window.evaluate(changes)] == [
        ("speed", 1.05),
        ("voice", "high"),
        ("gain", 3),
    ]
    assert page.window.inner_text("output[for=property-voice-speed]") == "1.05"


def test_the_space_bar_is_held_to_talk(open_page: Open, agent: str) -> None:
    page = open_page(agent)
    page.window.check("#push-to-talk")
    page.window.focus(".scroller")
    page.window.keyboard.down("Space")
    page.wait("probe.loud > 40")
    page.window.keyboard.up("Space")
    page.wait("document.querySelector('#hint').textContent.startsWith('Hold')")
    before = page.window.evaluate("[probe.loud, probe.bytes]")
    page.wait("bytes => probe.bytes > bytes + 50_000", before[1])
    assert page.window.evaluate("probe.loud") == before[0], "the microphone was heard while nobody held"
    page.wait_for("turn_ended")


def test_a_button_is_held_where_the_graph_has_one(open_page: Open, tmp_path: Path) -> None:
    with serving.scripted(tmp_path, push_to_talk=True) as url:
        page = open_page(url)
        page.window.check("#push-to-talk")
        page.window.hover("#talk")
        page.window.mouse.down()
        page.wait("probe.loud > 40")
        page.window.mouse.up()
        page.wait_for("turn_ended")
        sent = [each["message"]["type"] for each in page.told() if each["kind"] == "sent"]
    assert [kind for kind in sent if kind in ("press", "release")] == ["press", "release"]


def test_the_graph_is_drawn_with_levels_and_warnings(open_page: Open, agent: str) -> None:
    page = open_page(agent)
    page.window.click("#talk")
    levels = page.wait_for("levels")
    names = page.window.locator("#graph .name").all_text_contents()
    assert {"answer", "voice", "speaker"} <= set(names)
    assert "mic to " in page.window.get_attribute("#graph svg", "aria-label")
    page.wait(
        "[...document.querySelectorAll('#graph .link title')].some(t => t.textContent.includes('% full'))"
    )
    told = page.window.locator("#graph .link title").all_text_contents()
    full = [each for each in told if re.search(r"\n\d+ % full$", each)]
    assert {each.partition("\n")[0] for each in full} == set(levels["links"])
    page.window.click("#enlarge")
    assert page.window.locator("#graph-whole [data-node]").count() == len(names)
    page.window.keyboard.press("Escape")
    page.wait("document.querySelectorAll('#graph [data-node]').length > 0")


def test_a_warning_is_marked_at_its_node(open_page: Open, tmp_path: Path) -> None:
    with serving.scripted(tmp_path) as url:
        page = open_page(url)
        page.window.click("#talk")
        page.wait_for("ready")
        page.window.evaluate(
            "probe.socket.dispatchEvent(new MessageEvent('message', { data: JSON.stringify("
            "{ type: 'warning', node: 'answer', text: 'it is <b>slow</b>' }) }))"
        )
        assert page.window.text_content("[data-node=answer] .warning title") == "it is <b>slow</b>"
        assert page.window.locator("#graph .warning").count() == 1


def test_each_refusal_is_a_sentence(open_page: Open, tmp_path: Path) -> None:
    denied = (
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"
    )
    with serving.scripted(tmp_path, sessions=1) as url:
        wrong = open_page(url.partition("#")[0] + "#token=wrong")
        wrong.window.click("#talk")
        wrong.wait("document.querySelector('#alerts').textContent.includes('The token is missing or wrong')")
        assert "Open the whole address that 'vflow serve' printed" in sentences(wrong)
        broken = open_page(url.partition("#")[0] + "#token=no%20token%20at%20all")
        broken.window.click("#talk")
        broken.wait("document.querySelector('#alerts').textContent.includes('The token is missing or wrong')")
        page = open_page(url, denied)
        page.window.click("#talk")
        page.wait("document.querySelector('#alerts').textContent.includes('may not use the microphone')")
        assert "Allow it with the symbol beside the address" in sentences(page)
        second = open_page(url)
        second.window.click("#talk")
        second.wait("document.querySelector('#alerts').textContent.includes('All places are taken')")
    page.wait("document.querySelector('#alerts').textContent.includes('The server is stopping')")
    assert page.window.evaluate(STATE) == "offline"


def test_all_that_one_can_press_has_a_name_and_can_be_reached_by_keyboard(
    open_page: Open, agent: str
) -> None:
    page = open_page(agent)
    fields = page.window.locator("button:visible, input:visible, select:visible, summary:visible")
    for field in fields.all():
        name = field.evaluate("e => e.ariaLabel || e.labels?.[0]?.textContent || e.textContent")
        assert name.strip(), field.evaluate("e => e.outerHTML")
    reached = set()
    for _ in range(fields.count() + 10):
        page.window.keyboard.press("Tab")
        reached.add(page.window.evaluate("document.activeElement.id"))
    assert {"talk", "text", "push-to-talk", "volume", "microphone", "cancels-echo"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(open_page: Open, agent: str, scheme: str) -> None:
    page = open_page(agent, color_scheme=scheme)
    value = "name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)"
    color = {name: page.window.evaluate(value, name) for name in COLORS}
    pairs = [("ink", each) for each in ("ground", "surface", "raised", "tint", "late-tint")]
    pairs += [("muted", each) for each in ("ground", "surface", "raised")]
    pairs += [("accent", "surface"), ("accent", "tint"), ("on-accent", "accent"), ("late", "surface")]
    pairs += [("late", "late-tint"), ("speaking", "raised"), ("thinking", "raised")]
    poor = {pair: round(contrast(color[pair[0]], color[pair[1]]), 2) for pair in pairs}
    assert {pair: found for pair, found in poor.items() if found < 4.5} == {}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours. Source: WCAG 2.2, relative luminance."""

    def luminance(color: str) -> float:
        parts = [int(color.strip()[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
