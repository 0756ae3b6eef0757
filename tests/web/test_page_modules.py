"""The modules of the page that need no agent: each is called in a real browser, without a microphone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.picture.graphs import agent, hard
from tests.web import browser, serving
from tests.web.browser import Page
from vflow.web.drawing import drawing_of


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("modules")
    with (
        browser.browser(folder) as chromium,
        serving.scripted(folder) as url,
        browser.page(chromium) as window,
    ):
        window.open(url)
        yield window


DRAWN = """async (scene) => {
  const { drawScene } = await import("/picture.js");
  const { svg, boxes, lines } = drawScene(scene);
  document.body.replaceChildren(svg);
  const rect = ({ x, y, width, height }) => [x, y, x + width, y + height];
  const of = (element) => rect(element.getBBox());
  return {
    boxes: [...boxes].map(([name, { group, rect: box }]) =>
      [name, rect(box), [...group.querySelectorAll("text")].map((text) => [text.textContent, of(text)])]),
    labels: [...lines].map(([name, { rect: label, texts }]) =>
      [name, rect(label), texts.map((text) => [text.textContent, of(text)])]),
    paths: [...svg.querySelectorAll("path")].filter((path) => path.getAttribute("d").includes("NaN")).length,
  };
}"""


@pytest.mark.parametrize("figures", [False, True])
def test_a_scene_is_drawn_with_every_text_in_its_place(page: Page, figures: bool) -> None:
    scene = drawing_of(agent(), figures=figures)
    assert scene is not None
    found = page.window.evaluate(DRAWN, scene)
    assert {name for name, *_ in found["boxes"]} == {box["name"] for box in scene["boxes"]}
    assert {name for name, *_ in found["labels"]} == {line["name"] for line in scene["lines"]}
    assert found["paths"] == 0
    for name, (left, top, right, bottom), texts in [*found["boxes"], *found["labels"]]:
        for text, (x1, y1, x2, y2) in texts:
            if text:
                assert left - 1 <= x1 <= x2 <= right + 1, f"{text!r} leaves {name}"
                assert top - 3 <= y1 <= y2 <= bottom + 3, f"{text!r} leaves {name}"


def test_names_that_look_like_markup_are_texts(page: Page) -> None:
    scene = drawing_of(hard(), properties=True)
    found = page.window.evaluate(DRAWN, scene)
    assert [name for name, *_ in found["boxes"]] == ["a", "b"]
    assert page.window.evaluate("document.querySelectorAll('sehr').length") == 0
    assert "<sehr>" in page.window.locator("[data-node=b] title").text_content()


TRANSCRIPT = """async (calls) => {
  const { Transcript } = await import("/transcript.js");
  const list = document.createElement("ol");
  document.createElement("div").append(list);
  const transcript = new Transcript(list, () => {});
  for (const [method, ...given] of calls) transcript[method](...given);
  const turn = list.querySelector(".turn");
  for (const hidden of turn.querySelectorAll(".hidden")) hidden.remove();
  for (const cut of turn.querySelectorAll("s")) cut.replaceWith(`[${cut.textContent}]`);
  return `${turn.querySelector(".answer").textContent}|${turn.querySelector(".remark").textContent}`;
}"""
Call = tuple[Any, ...]
TIMED: Call = ("time", 1, [[0, 0, 0.5], [1, 0.5, 1], [2, 1, 1.5]])


def say(*words: str) -> list[Call]:
    return [("word", 1, at, word) for at, word in enumerate(words)]


def end(**fields: Any) -> Call:
    return "end", {"turn": 1, "user": "", "reply": "...", "heard": "", "interrupted": False, **fields}


THREE = say("one", "two", "three")


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        (THREE, "|"),
        ([*THREE, TIMED, ("progress", 1, 0.6)], "one two|"),
        ([*THREE, TIMED, ("progress", 1, 0.6), ("cut", 1)], "one [two three]|"),
        (
            [*THREE, TIMED, ("progress", 1, 0.8), ("cut", 1), end(interrupted=True, heard="one")],
            "one two [three]|interrupted",
        ),
        ([*THREE, ("progress", 1, 1.5)], "one two three|"),
        (
            [*THREE, ("progress", 1, 1.5), ("cut", 2), end(interrupted=True, heard="one two")],
            "one two [three]|interrupted",
        ),
        ([*THREE[:2], ("cut", 1), THREE[2]], "[one two three]|"),
        ([*THREE, end()], "one two three|"),
        ([*THREE, end(interrupted=True, taken_back=True)], "[one two three]|taken back: you spoke on"),
        ([*say("日本", "の", "首都。", "Tokyo", "it", "is"), end()], "日本の首都。Tokyo it is|"),
    ],
    ids=[
        "unheard",
        "sounding",
        "cut",
        "reported",
        "untimed",
        "untimed cut",
        "late",
        "whole",
        "back",
        "joined",
    ],
)
def test_words_are_shown_once_they_sound_and_struck_through_where_they_were_cut(
    page: Page, calls: list[Call], text: str
) -> None:
    assert page.window.evaluate(TRANSCRIPT, calls) == text


RATE = 24_000
BLOCK = 128
"""Samples that a browser asks for at once."""
WORKLET = """async ([name, rate, block, blocks, acts, heard]) => {
  let made = null;
  const reports = [];
  globalThis.sampleRate = rate;
  globalThis.registerProcessor = (_, kind) => (made = kind);
  globalThis.AudioWorkletProcessor = class {
    port = { postMessage: (said) => reports.push(said.pcm ? [...new Int16Array(said.pcm)] : said) };
  };
  await import(`/${name}.worklet.js?${Math.random()}`);
  const worklet = new made();
  const sound = [];
  for (let at = 0; at < blocks; at++) {
    for (const [when, { samples = [], ...message }] of acts) {
      if (when === at) worklet.port.onmessage({ data: { ...message, samples: Float32Array.from(samples) } });
    }
    const out = new Float32Array(block);
    worklet.process([heard ? [Float32Array.from(heard.slice(at * block, (at + 1) * block))] : []], [[out]]);
    sound.push(...out);
  }
  return [sound, reports];
}"""


def add(turn: int, first: int, frames: int) -> dict[str, Any]:
    """Audio whose samples count up by 1/24000."""
    return {"do": "add", "turn": turn, "samples": [(first + at) / RATE for at in range(frames)]}


def played(page: Page, *acts: tuple[int, dict[str, Any]]) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Run the playback worklet on messages, each with the number of the block before which it comes. Return
    what it plays, and its reports. Its audio thread stands still meanwhile: it is called as one would be."""
    sound, reports = page.window.evaluate(WORKLET, ["playback", RATE, BLOCK, 300, list(acts), None])
    return np.array(sound), reports


def test_a_reply_is_played_whole_and_in_order(page: Page) -> None:
    sound, reports = played(page, (0, add(1, 1, 4_800)), (5, add(1, 4_801, 2_400)))
    counted = np.rint(sound[sound != 0] * RATE).astype(int)
    assert counted.tolist() == list(range(1, 7_201))
    assert reports[-1] == {"turn": 1, "frames": 7_200, "last": True, "underruns": 0}
    assert [report["frames"] for report in reports] == sorted(report["frames"] for report in reports)
    assert len(reports) >= 7_200 / (0.03 * RATE), "reports are rarer than the words that they show"


def test_a_reply_begins_once_40_ms_wait_or_nothing_more_comes(page: Page) -> None:
    enough, _ = played(page, (0, add(1, 1, 480)), (2, add(1, 481, 480)))
    assert np.flatnonzero(enough)[0] == 2 * BLOCK
    short, reports = played(page, (0, add(1, 1, 480)))
    assert np.flatnonzero(short)[0] == pytest.approx(0.06 * RATE, abs=BLOCK)
    assert reports[-1]["frames"] == 480


def test_a_gap_in_a_reply_is_counted(page: Page) -> None:
    _, reports = played(page, (0, add(1, 1, 960)), (20, add(1, 961, 960)))
    assert reports[-1] == {"turn": 1, "frames": 1_920, "last": True, "underruns": 1}


def test_cut_drops_waiting_audio_after_a_short_fade(page: Page) -> None:
    sound, reports = played(page, (0, add(1, 12_000, 12_000)), (40, {"do": "flush", "turn": 1}))
    assert np.flatnonzero(sound)[-1] == 40 * BLOCK + 0.005 * RATE - 2  # the fade's last sample is 0
    assert np.abs(np.diff(sound))[40 * BLOCK :].max() < 0.02, "it clicks"
    assert reports[-1] == {"turn": 1, "frames": 40 * BLOCK + 0.005 * RATE, "last": True, "underruns": 0}


def test_a_cut_leaves_the_next_reply_alone(page: Page) -> None:
    acts = (0, add(1, 1, 12_000)), (5, add(2, 1, 4_800)), (40, {"do": "flush", "turn": 1})
    sound, reports = played(page, *acts)
    assert reports[-1] == {"turn": 2, "frames": 4_800, "last": True, "underruns": 0}
    assert np.rint(sound[sound != 0][-4_800:] * RATE).astype(int).tolist() == list(range(1, 4_801))


def test_a_reply_that_is_held_goes_on_from_where_it_was(page: Page) -> None:
    acts = (0, add(1, 12_000, 12_000)), (40, {"do": "hold"}), (120, {"do": "goOn"})
    sound, reports = played(page, *acts)
    loud = np.flatnonzero(sound)
    (gap,) = np.flatnonzero(np.diff(loud) > 2)
    assert np.diff(loud)[gap] == pytest.approx(80 * BLOCK - 0.005 * RATE, abs=2)
    assert np.abs(np.diff(sound))[40 * BLOCK : 130 * BLOCK].max() < 0.02, "it clicks"
    assert reports[-1] == {"turn": 1, "frames": 12_000, "last": True, "underruns": 0}


def test_another_session_counts_from_0_again(page: Page) -> None:
    acts = (0, add(1, 1, 4_800)), (20, {"do": "hold"}), (40, {"do": "reset"}), (41, add(1, 1, 2_400))
    assert played(page, *acts)[1][-1] == {"turn": 1, "frames": 2_400, "last": True, "underruns": 0}


def test_the_microphone_is_packed_to_frames_of_20_ms(page: Page) -> None:
    heard = [np.sin(at / 10) * 1.2 for at in range(50 * BLOCK)]
    _, frames = page.window.evaluate(WORKLET, ["capture", 48_000, BLOCK, 50, [], heard])
    assert [len(frame) for frame in frames] == [960] * (50 * BLOCK // 960)
    packed = np.concatenate(frames) / 32767
    assert np.abs(packed - np.clip(heard[: len(packed)], -1, 1)).max() < 1e-4


def test_missing_messages_are_sent_again_and_at_most_five_seconds_kept(page: Page) -> None:
    found = page.window.evaluate(
        """async () => {
          const { Said } = await import("/said.js");
          const said = new Said();
          for (const message of ["one", "two", "three", "four"]) said.add(message);
          const lacked = [said.after(2), said.after(4)];
          said.add("five");
          lacked.push(said.after(4));
          for (let at = 0; at < 6; at++) said.add(new ArrayBuffer(96_000));
          const kept = said.after(5).length;
          said.add("last");
          return [lacked, kept, said.after(5 + kept)];
        }"""
    )
    assert found == [[["three", "four"], [], ["five"]], 5, ["last"]]


def test_playback_is_reported_when_it_sounds(page: Page) -> None:
    order = page.window.evaluate(
        """async () => {
          const { Speaker } = await import("/speaker.js");
          const order = [];
          return new Promise((done) => {
            const speaker = new Speaker(({ seconds }) => {
              order.push(seconds);
              if (order.length === 4) done(order);
            });
            speaker.context = { baseLatency: 0.01, outputLatency: 0.1 };
            speaker.left({ turn: 1, seconds: 2, last: false });
            order.push("left");
            speaker.context = { baseLatency: 0, outputLatency: 1e9 };
            speaker.left({ turn: 1, seconds: 3, last: true });
            speaker.context = {};
            speaker.left({ turn: 1, seconds: 1, last: false });
          });
        }"""
    )
    assert order == ["left", 1, 2, 3]


def test_a_setting_that_is_refused_shows_the_value_that_holds(page: Page) -> None:
    shown = page.window.evaluate(
        """async () => {
          document.body.innerHTML =
            '<div id="properties"></div><div><div id="other-properties"></div></div>';
          const { Properties } = await import("/properties.js");
          const properties = new Properties(() => {});
          const number = { node: "voice", type: "number", min: 0, max: 9 };
          properties.show([
            { ...number, name: "speed", value: 2 },
            { node: "voice", name: "gain", type: "number", value: 1 },
            { node: "voice", name: "loud", type: "boolean", value: true },
          ]);
          const field = (name) => document.getElementById(`property-voice-${name}`);
          const fields = ["speed", "gain", "loud"].map(field);
          const set = (field, change) => {
            Object.assign(field, change);
            field.dispatchEvent(new Event("input"));
            field.dispatchEvent(new Event("change"));
          };
          set(fields[0], { value: "5" });
          set(fields[0], { value: "8" });
          set(fields[1], { value: "7" });
          set(fields[2], { checked: false });
          properties.refused("voice", "speed is 8, out of range; at most 6");
          properties.refused("other", "gain is 7, out of range");
          properties.refused("voice", "voice.loud cannot change while it runs");
          const output = document.querySelector("output[for=property-voice-speed]").textContent;
          return [fields[0].value, output, fields[1].value, fields[2].checked];
        }"""
    )
    assert shown == ["5", "5", "7", True]
