"""Nodes that are proposed between two ports that do not fit: only those that convert what differs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins import Takes
from vflow import AnyCaps, Audio, Caps, GraphError, In, Out, Text, load
from vflow.graph.adapters import Adapter, mend, shortest

TURNS = Audio(rate=16_000, channels=1, features={"turns"})
SPEECH = Audio(rate=16_000, channels=1, features={"speech"})


def adapter(name: str, into: Caps, out: Caps, generates: bool = False) -> Adapter:
    return Adapter(name, name, [into], [out], generates)


VAD = adapter("vad", Audio(rate=16_000, channels=1), TURNS)
TURN = adapter("turn", SPEECH, TURNS)
STT = adapter("stt", TURNS, Text("final"))
CHAT = adapter("chat", Text("final"), Text("word"), generates=True)
WORDS = adapter("words", Text("word"), Text("chunk", None))
TTS = adapter("tts", Text("chunk"), Audio(rate=24_000, channels=1))
SHOUT = adapter("shout", Text(), Text())
LOUDER = adapter("louder", Audio(), Audio())
TEE = adapter("tee", AnyCaps(), AnyCaps())
ALL = (TEE, SHOUT, LOUDER, VAD, TURN, STT, CHAT, WORDS, TTS)


@pytest.mark.parametrize(
    ("given", "wanted", "names"),
    [
        (Text("final"), Text("chunk"), "chat words"),
        (Text("word"), Text("chunk"), "words"),
        (Text("word"), Audio(), "words tts"),
        (Audio(rate=48_000), Text("final"), "vad stt"),
        (Audio(), Text("chunk"), "vad stt chat words"),
        (SPEECH, TURNS, "turn"),
        (Text("word"), TURNS, ""),
        (Text("word"), Text("final"), ""),
    ],
)
def test_shortest_chain_has_only_nodes_that_convert(given: Caps, wanted: Caps, names: str) -> None:
    assert " ".join(found.name for found in shortest(ALL, [given], [wanted])) == names


def test_no_chain_is_longer_than_the_limit() -> None:
    assert shortest(ALL, [Text("word")], [Audio()], most=1) == []
    assert shortest([SHOUT], [Text("final")], [Text("chunk")]) == []


def test_mend_suggests_names_that_the_graph_does_not_have() -> None:
    assert mend([TTS], "a", "b", []) == "insert 'tts: {use: tts}' and link a -> tts -> b"
    assert mend([WORDS, TTS], "a", "b", ["tts"]) == (
        "insert 'words: {use: words}' and 'tts_: {use: tts}', and link a -> words -> tts_ -> b"
    )
    assert mend([CHAT, WORDS, TTS], "a", "b", []).startswith(
        "a generator stands between: insert 'chat: {use: chat}', 'words: {use: words}' and 'tts: {use: tts}',"
    )


class Shout(Takes):
    """A node of another package that takes and makes any text."""

    text = In(Text())
    out = Out(Text())


class Loud(Takes):
    audio = In(Audio())
    out = Out(Audio())


class Transcribes(Takes):
    """A converter of another package."""

    audio = In(Audio())
    out = Out(Text("final"))


STRANGERS: dict[str, Any] = {"a.shout": Shout, "a.loud": Loud}
NODES = {
    "mic": "{use: test_tone}",
    "vad": "{use: vad.energy}",
    "turn": "{use: turn}",
    "detector": "{use: detector.energy}",
    "stt": "{use: stt.moonshine}",
    "chat": "{use: chat}",
    "words": "{use: word_buffer}",
    "tts": "{use: tts.hibari}",
    "sink": "{use: wav_sink, file: x.wav}",
}


def mend_of(chain: str, nodes: dict[str, str], classes: dict[str, Any] = STRANGERS) -> str:
    """Return the mend of a graph with a link that does not fit; '' if the graph loads."""
    lines = "".join(f"  {name}: {written}\n" for name, written in nodes.items())
    try:
        load(f"nodes:\n{lines}links: [{chain}]\n", nodes=classes, require_available=False)
    except GraphError as error:
        (found,) = (d.mend for d in error.diagnostics if d.severity == "error")
        return found
    return ""


def chosen(*names: str) -> dict[str, str]:
    return {name: NODES[name] for name in names}


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        ("mic -> vad -> stt -> tts -> sink", "a generator stands between: insert 'chat: {use: chat}' and"),
        ("mic -> stt", "insert 'vad: {use: vad}' and link mic -> vad -> stt"),
        ("mic -> vad -> chat", "insert 'stt: {use: stt}' and link vad -> stt -> chat"),
        ("mic -> detector -> stt", "insert 'turn: {use: turn}' and link detector -> turn -> stt"),
        ("mic -> vad -> tts -> sink", "a generator stands between: insert 'generator: {use: generator}' and"),
    ],
)
def test_graph_mended_as_advised_loads(chain: str, said: str, tmp_path: Path) -> None:
    nodes = chosen(*chain.split(" -> "))
    found = mend_of(chain, nodes)
    assert found.startswith(said)
    added = dict(re.findall(r"'(\w+): (\{use: \w+\})'", found))
    source, *between, target = found.rpartition("link ")[2].split(" -> ")
    assert list(added) == between
    mended = chain.replace(f"{source} -> {target}", " -> ".join((source, *between, target)))
    assert mend_of(mended, {**nodes, **added}) == ""


def test_mend_replaces_a_part_of_a_bin_by_the_whole_bin() -> None:
    found = mend_of("mic -> turn -> stt", chosen("mic", "turn", "stt"))
    assert found == "use a 'vad' in its place, which has a turn inside: 'turn: {use: vad}'"
    assert mend_of("mic -> turn -> stt", {**chosen("mic", "stt"), "turn": "{use: vad}"}) == ""


def test_mend_drops_a_node_whose_work_is_done_already() -> None:
    found = mend_of("mic -> vad -> turn -> stt", chosen("mic", "vad", "turn", "stt"))
    assert found == "leave turn out: what it makes is there already"


def test_no_mend_is_given_if_nothing_converts() -> None:
    assert mend_of("tts -> stt", {"tts": "{use: text_source, text: a}", "stt": NODES["stt"]}) == ""


def test_node_of_another_package_is_suggested_only_if_it_alone_converts_all() -> None:
    class Hears(Takes):
        odd = In(Text("chunk", {"odd"}))

    class Makes(Takes):
        text = In(Text("word"))
        out = Out(Text("chunk", {"odd"}))

    nodes = {"words": "{use: text_source, text: a}", "hears": "{use: hears}"}
    classes = {**STRANGERS, "hears": Hears, "makes": Makes}
    assert mend_of("words -> hears", nodes, classes) == (
        "insert 'makes: {use: makes}' and link words -> makes -> hears"
    )
    nodes = {"mic": NODES["mic"], "chat": NODES["chat"]}
    found = mend_of("mic -> chat", nodes, {**STRANGERS, "a.transcribes": Transcribes})
    assert found == "insert 'vad: {use: vad}' and 'stt: {use: stt}', and link mic -> vad -> stt -> chat"
