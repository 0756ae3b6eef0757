"""The facts of a graph in its picture, and that every text has its place."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.picture.drawings import faults
from tests.picture.graphs import agent, chain
from vflow.graph.loader import load_text
from vflow.picture.box_shapes import LINE, NAME, SMALL, TINY
from vflow.picture.layered import Layout
from vflow.picture.scene import BUSY, WAITING, Scene, scene
from vflow.picture.slots import Edge
from vflow.picture.text_width import text_width


def line_of(made: Scene, source: str, target: str) -> object:
    (line,) = [line for line in made.lines if (line.source, line.target) == (source, target)]
    return line


def test_the_agent_has_its_threads_bins_and_ports() -> None:
    graph = agent()
    made = scene(graph)
    boxes = {box.name: box for box in made.boxes}
    assert set(boxes) == set(graph.nodes)
    assert len({box.thread for box in made.boxes}) == len(graph.segments())
    assert boxes["mic"].kind == "source"
    assert boxes["speaker"].kind == "sink"
    assert boxes["generator.chat"].kind == "generator"
    assert boxes["words.spoken"].kind == "inserted"
    assert boxes["vad.turn"].title == "turn"
    assert {(frame.name, frame.resolved) for frame in made.frames} == set(graph.aliases.items())
    assert [port.name for port in boxes["vad.turn"].ports if port.above] == ["audio"]
    assert {port.name for port in boxes["vad.turn"].ports if not port.above} == {
        "speech",
        "verdict",
        "backchannel",
    }


def test_the_agent_says_what_is_flushed_held_and_leads_back() -> None:
    made = scene(agent())
    assert [line.name for line in made.lines if line.held] == ["tts.audio -> speaker.audio"]
    assert [line.source for line in made.lines if line.back] == ["end_of_turn", "backchannel"]
    assert {line.source for line in made.lines if line.flushed} == {
        "generator.chat",
        "words.spoken",
        "words",
        "tts",
    }
    assert all(line.queue for line in made.lines if line.crosses)
    assert "budget: from speech_end to first_audio at most 800ms" in made.latencies


@pytest.mark.parametrize("made", [scene(agent()), scene(chain(1)), scene(chain(3)), scene(chain(60))])
def test_no_text_leaves_its_box_and_no_line_crosses_one(made: Scene) -> None:
    for box in made.boxes:
        texts = [
            text_width(box.title, NAME, bold=True),
            *(text_width(t, SMALL) for t in (box.what, *box.notes)),
        ]
        assert max(texts) < box.rect.width
        for port in box.ports:
            half = text_width(port.name, TINY) / 2
            assert box.rect.x < port.x - half
            assert port.x + half < box.rect.right
    for line in made.lines:
        assert max(text_width(text, TINY) for text in line.label) <= line.label_rect.width
        assert LINE * len(line.label) <= line.label_rect.height
    layout = Layout(
        made.width,
        made.height,
        {box.name: box.rect for box in made.boxes},
        [list(line.stretches) for line in made.lines],
        [line.label_rect for line in made.lines],
        [line.back for line in made.lines],
        {},
    )
    edges = [Edge(line.source, line.target) for line in made.lines]
    assert list(faults(layout, edges, {})) == []


def test_a_live_picture_has_room_for_figures_and_is_laid_out_as_well() -> None:
    made = scene(agent(), BUSY, WAITING)
    assert all(box.notes[-2:] == ("", "") for box in made.boxes)
    assert all(box.rect.width > max(text_width(text, SMALL) for text in BUSY) for box in made.boxes)
    for line in made.lines:
        assert (line.label == ("", "")) is line.crosses
        if line.crosses:
            assert line.label_rect.width >= max(text_width(text, TINY) for text in WAITING)
            assert line.label_rect.height >= LINE * len(line.label)
    assert not any(one.rect.overlaps(other.rect) for one, other in itertools.combinations(made.boxes, 2))


def test_of_many_paths_the_slowest_are_told() -> None:
    branches = "".join(f"  b{at}: {{use: mix, wait: {at + 1}0ms}}\n" for at in range(8))
    links = "".join(f"  - a -> b{at}\n" for at in range(8))
    told = scene(load_text(f"nodes:\n  a: {{use: test_tone}}\n{branches}links:\n{links}")).latencies
    assert told[0].startswith("a → b7: ")
    assert told[5:] == ("and 3 more paths, which are faster",)


def test_the_facts_are_json() -> None:
    made = scene(agent())
    assert json.loads(json.dumps(made.to_json()))["boxes"][0]["rect"]["width"] == made.boxes[0].rect.width


def test_values_of_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "s3cret-place")
    graph = load_text(
        "nodes:\n  a: {use: test_tone}\n  b: {use: wav_sink, file: '${PLACE}.wav'}\nlinks: [a -> b]\n"
    )
    assert "s3cret" not in json.dumps(scene(graph).to_json())
