"""The feed of a run tells every watcher of the time before, of the present, and of the end."""

from __future__ import annotations

import json
import threading
from typing import Any

from tests.live.conftest import LONG
from tests.scripted_agent import REPLY
from tests.stand_ins import PATIENCE_S, Words
from vflow import In, Node, Pipeline, Text, TextPacket
from vflow.graph.loader import load_text
from vflow.live.feed import TOLD_TURNS, Feed, Follower
from vflow.report.turn_log import TurnLog
from vflow.session.session import Session


def read(frames: list[str]) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames]


def until(follower: Follower, kind: str) -> list[dict[str, Any]]:
    """Return the frames up to the first of a kind."""
    told: list[dict[str, Any]] = []
    while (frame := follower.frames.get(PATIENCE_S)) is not None:
        told.append(json.loads(frame))
        if told[-1]["type"] == kind:
            return told
    raise AssertionError(f"no {kind}; {told}")


def test_watcher_is_sent_ready_first(feed: Feed, session: Session) -> None:
    ready, state = read(feed.follow().history)
    assert ready["type"] == "ready"
    assert ready["file"] == session.graph.file
    assert {box["name"] for box in ready["graph"]["drawing"]["boxes"]} == set(session.graph.nodes)
    assert {each["name"] for each in ready["properties"] if each["node"] == "voice"} == {
        "speed", "voice", "gain",
    }  # fmt: skip
    assert state == {"type": "state", "state": "idle"}


def test_a_turn_is_told_with_its_words_and_stages(feed: Feed, session: Session) -> None:
    follower = feed.follow()
    session.ask("What about Rome?")
    told = until(follower, "turn_ended")
    assert [each["text"] for each in told if each["type"] == "user"] == ["What about Rome?"]
    assert [each["text"] for each in told if each["type"] == "word"] == REPLY.split()
    assert "speaking" in [each["state"] for each in told if each["type"] == "state"]
    stages = told[-1]["stages"]
    assert [stage["name"] for stage in stages][-1] == "speaking"
    assert not any(stage["cut"] for stage in stages)
    figures = json.loads(follower.figures())
    assert figures["type"] == "figures"
    assert set(figures["links"]) == set(session.pipeline.levels())


@LONG
def test_a_turn_that_was_cut_says_in_which_stage(feed: Feed, session: Session) -> None:
    follower = feed.follow()
    session.ask("What about Rome?")
    until(follower, "word")
    session.interrupt()
    told = until(follower, "turn_ended")
    assert "interrupted" in [each["type"] for each in told]
    assert [stage["cut"] for stage in told[-1]["stages"]][-1:] == [True]


def test_who_comes_late_is_told_the_turns_so_far(feed: Feed, session: Session) -> None:
    early = feed.follow()
    session.ask("What about Rome?")
    until(early, "turn_ended")
    kinds = [each["type"] for each in read(feed.follow().history)]
    assert kinds == ["ready", "user", *["word"] * len(REPLY.split()), "turn_ended", "state"]
    assert TOLD_TURNS > 1


@LONG
def test_who_comes_while_the_agent_speaks_is_told_so_once(feed: Feed, session: Session) -> None:
    early = feed.follow()
    session.ask("What about Rome?")
    while until(early, "state")[-1]["state"] != "speaking":
        pass
    late = feed.follow()
    assert read(late.history)[-1] == {"type": "state", "state": "speaking"}
    session.pipeline.nodes["voice"].ctx.warn("it is slow")
    until(late, "warning")
    session.interrupt()
    states = [each["state"] for each in until(late, "turn_ended") if each["type"] == "state"]
    assert states[0] == "interrupted"


def test_progress_of_loading_is_told_until_the_run_plays() -> None:
    class Loads(Node):
        text = In(Text("word"))

        def open(self) -> None:
            asked.wait(PATIENCE_S)
            self.ctx.progress("reading", 0.5)

        def process(self, packet: TextPacket) -> None: ...

    asked = threading.Event()
    text = "nodes: {words: {use: t.words}, end: {use: t.loads}}\nlinks: [words -> end]\n"
    graph = load_text(text, nodes={"t.words": Words, "t.loads": Loads})
    pipeline = Pipeline(graph)
    log = TurnLog(graph)
    pipeline.bus.listen(log.listen)
    follower = Feed(pipeline, log).follow()
    assert read(follower.history)[-1] == {"type": "state", "state": "loading"}
    asked.set()
    with pipeline:
        progress = until(follower, "progress")[-1]
        assert (progress["node"], progress["text"], progress["fraction"]) == ("end", "reading", 0.5)
        assert until(follower, "state")[-1]["state"] == "idle"
        assert pipeline.wait(PATIENCE_S)


def test_a_value_that_is_taken_or_refused_is_told_to_all(feed: Feed, session: Session) -> None:
    followers = feed.follow(), feed.follow()
    assert feed.set("voice", "speed", 1.5) == ""
    for follower in followers:
        assert until(follower, "property")[-1] == {
            "type": "property", "node": "voice", "property": "speed", "value": 1.5,
        }  # fmt: skip
    assert "at most 2" in feed.set("voice", "speed", 9)
    assert until(followers[0], "property")[-1]["value"] == 1.5
    assert "no property" in feed.set("voice", "sped", 1)
    assert "no node" in feed.set("vice", "speed", 1)
    assert "cannot change while it runs" in feed.set("voice", "word_ms", 1)
    assert session.pipeline.nodes["voice"].speed == 1.5  # type: ignore[attr-defined]


def test_end_of_the_run_is_told_to_present_and_later_watchers(feed: Feed, session: Session) -> None:
    follower = feed.follow()
    session.pipeline.stop()
    assert until(follower, "bye")[-1]["reason"] == "the run has ended"
    assert follower.frames.get(PATIENCE_S) is None
    late = feed.follow()
    assert until(late, "bye")
    assert late.frames.get(PATIENCE_S) is None


def test_who_has_left_is_told_nothing(feed: Feed, session: Session) -> None:
    stays, leaves = feed.follow(), feed.follow()
    feed.leave(leaves)
    session.ask("What about Rome?")
    until(stays, "turn_ended")
    assert leaves.frames.get(0) is None


def test_feed_does_not_listen_before_the_first_watcher(feed: Feed, session: Session) -> None:
    before = session.pipeline.bus._listeners
    feed.about()
    assert session.pipeline.bus._listeners == before
    for _ in range(3):
        feed.leave(feed.follow())
    assert len(session.pipeline.bus._listeners) == len(before) + 1
