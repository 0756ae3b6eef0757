"""`vflow check`: what it says of good graphs, and of every kind of bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Vflow

GOOD = """\
vflow: 1
nodes:
  tone: {use: test_tone, frame: 20ms}
  low:  {use: resample, rate: 8000}
  end:  {use: "null"}
links:
  - tone -> low -> end
"""
AGENT = """\
vflow: 1
budget: {from: %s, to: first_audio, max: %s}
nodes:
  tone: {use: test_tone, frame: 32ms}
  vad:  {use: vad.energy, speech_end_after: 480ms}
  out:  {use: wav_sink, file: out.wav, latency: 60ms}
links:
  - tone -> vad -> out
"""
Refused = Callable[[str], str]


def graph(nodes: str, links: str = "- tone -> end") -> str:
    """Return a graph file with the lines in `nodes`, from line 3 on, and the node `end`."""
    return f"vflow: 1\nnodes:\n{nodes}\n  end: {{use: 'null'}}\nlinks:\n  {links}\n"


def caret(err: str) -> str:
    """Return the text that the first caret points at."""
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "^")
    return lines[at - 1][lines[at].index("^") :]


# good graphs


def test_a_good_graph_is_described(vflow: Vflow) -> None:
    ran = vflow("check", "g.yaml", files={"g.yaml": GOOD})
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.splitlines() == [
        "g.yaml: ok",
        "  3 nodes, 2 links, 2 threads",
        "  threads:",
        "    1  tone",
        "    2  low, end",
        "  latency that the properties fix (the graph has no budget):",
        "    tone -> low -> end",
        "      tone.frame 20ms = 20ms",
    ]


def test_a_budget_that_the_properties_break_is_an_error(refused: Refused) -> None:
    err = refused(AGENT % ("voice_off", "500ms"))
    assert "g.yaml:2:9: error: the properties alone take 572ms of a budget of 500ms from voice_off" in err
    assert "lower vad.turn.speech_end_after" in err


def test_every_file_is_checked_and_a_missing_one_is_its_own_error(vflow: Vflow) -> None:
    ran = vflow("check", "no.yaml", "g.yaml", "bad.yaml", files={"g.yaml": GOOD, "bad.yaml": "[]"})
    assert ran.code == 2
    assert ran.out.startswith("g.yaml: ok")
    assert "no.yaml: error: cannot be read: No such file or directory" in ran.err
    assert "bad.yaml:1:1: error: a graph is a mapping, not a list" in ran.err


def test_a_role_that_nothing_can_play_here_is_a_warning(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vflow.graph.resolver import Resolver

    monkeypatch.setattr(Resolver, "problem", lambda self, name: "no device; plug one in")
    text = graph("  tone: {use: mic}")
    ran = vflow("check", "g.yaml", files={"g.yaml": text})
    assert ran.code == 0
    assert "g.yaml:3:15: warning: tone: nothing can play the role 'mic' here" in ran.err


def test_all_errors_come_at_once_in_the_order_of_the_file(refused: Refused) -> None:
    err = refused(graph("  tone: {use: test_tone, frame: 20, levle: 3}\n  x: {use: nothing_like_it}"))
    assert [line.split(": error")[0] for line in err.splitlines() if ": error" in line] == [
        "g.yaml:3:33",
        "g.yaml:3:37",
        "g.yaml:4:12",
    ]
    assert err.splitlines()[-1] == "g.yaml: 3 errors"


# what a graph may get wrong: (nodes, links), what is said, what the caret points at, what mends it
WRONG = {
    "unknown node": (
        ("  tone: {use: test_tome}", "- tone -> end"),
        ("3:15: error: no node is named 'test_tome'", "test_tome", "did you mean 'test_tone'?"),
    ),
    "unknown output": (
        ("  tone: {use: test_tone}", "- tone.audoi -> end"),
        ("6:5: error: tone has no output 'audoi'", "tone.audoi ->", "did you mean 'audio'?"),
    ),
    "unknown input": (
        ("  tone: {use: test_tone}", "- tone -> end.inptu"),
        ("6:13: error: end has no input 'inptu'", "end.inptu", "did you mean 'input'?"),
    ),
    "an input as the source": (
        ("  tone: {use: test_tone}\n  mid: {use: identity}", "- mid.input -> end"),
        ("7:5: error: mid.input is an input, not an output", "mid.input ->", "its outputs: out"),
    ),
    "unknown property": (
        ("  tone: {use: test_tone, frequenzy: 3}", "- tone -> end"),
        ("3:26: error: tone: no property 'frequenzy'", "frequenzy", "did you mean 'frequency'?"),
    ),
    "wrong type": (
        ("  tone: {use: test_tone, frequency: high}", "- tone -> end"),
        ("3:37: error: tone: frequency takes float, not 'high' (str)", "high}", ""),
    ),
    "yes is not true": (
        ("  tone: {use: test_tone}\n  v: {use: turn, barge_in: yes}", "- tone -> end"),
        ("4:28: error: v: barge_in takes bool, not 'yes' (str)", "yes}", "write true or false"),
    ),
    "out of range": (
        ("  tone: {use: test_tone, frequency: -4}", "- tone -> end"),
        ("3:37: error: tone: frequency is -4, out of range", "-4}", "at least 0 and at most 96000"),
    ),
    "a number of thousands of digits": (
        (f"  tone: {{use: test_tone, frequency: {'1' * 5000}}}", "- tone -> end"),
        ("3:37: error: tone: frequency is inf, out of range", "111", "at least 0 and at most 96000"),
    ),
    "a duration without a unit": (
        ("  tone: {use: test_tone, frame: 20}", "- tone -> end"),
        ("3:33: error: tone: frame: 20 is not a duration", "20}", "write 20ms or 20s"),
    ),
    "a choice misspelt": (
        ("  tone: {use: resample, quality: VHG}", "- tone -> end"),
        ("3:34: error: tone: quality takes LQ | HQ | VHQ, not 'VHG' (str)", "VHG}", "did you mean 'VHQ'?"),
    ),
    "a property that is missing": (
        ("  tone: {use: wav_source}", "- tone -> end"),
        ("3:3: error: tone: property 'file' is missing", "tone:", "add 'file: ...'"),
    ),
    "a property set twice": (
        ("  tone: {use: test_tone, frequency: 3, params: {frequency: 4}}", "- tone -> end"),
        ("3:26: error: frequency is set twice", "frequency: 3", "remove one of them"),
    ),
    "caps with a node that fits between": (
        ("  tone: {use: text_source, text: hi}\n  mid: {use: tts.hibari}", "- tone -> mid -> end"),
        (
            "7:5: error: tone.words carries text/word, but mid.text takes text/chunk",
            "tone -> mid",
            "insert 'words: {use: word_buffer}' and link tone -> words -> mid",
        ),
    ),
    "caps that nothing adapts": (
        ("  tone: {use: test_tone}\n  mid: {use: word_buffer}", "- tone -> mid -> end"),
        ("7:5: error: tone.audio carries audio(channels=1), but mid.text takes text/word", "tone -> mid", ""),
    ),
    "an ambiguous link": (
        ("  tone: {use: generator}", "- tone -> end"),
        (
            "6:5: error: tone -> end may mean several links",
            "tone -> end",
            "name the ports: tone.words -> end.input, tone.transcript -> end.input",
        ),
    ),
    "a cycle that blocks": (
        ("  tone: {use: test_tone}\n  a: {use: identity}", "- tone -> a -> a"),
        ("4:3: error: the cycle a -> a would deadlock", "a:", "give one of its links"),
    ),
    "an input that nothing feeds": (
        ("  tone: {use: test_tone}\n  a: {use: console}", "- tone -> end"),
        ("4:3: error: nothing feeds a.input", "a:", "link a node to it: '- ... -> a'"),
    ),
    "a link to an unknown node": (
        ("  tone: {use: test_tone}", "- tone -> edn"),
        ("6:13: error: no node 'edn'", "edn", "did you mean 'end'?"),
    ),
    "a link that is there already": (
        ("  tone: {use: test_tone}", "- tone -> end\n  - {from: tone, to: end}"),
        ("7:5: error: tone.audio -> end.input is linked twice", "{from", "remove one of them"),
    ),
    "a link with a hole": (
        ("  tone: {use: test_tone}", "- tone -> -> end"),
        ("6:13: error: '' is not the end of a link", "-> end", "write 'node' or 'node.port'"),
    ),
    "a link that is a word": (
        ("  tone: {use: test_tone}", "- tone"),
        ("6:5: error: 'tone' is not a link", "tone", "write '- a -> b'"),
    ),
    "a link with a misspelt key": (
        ("  tone: {use: test_tone}", "- {from: tone, too: end}"),
        ("6:18: error: unknown key 'too' in a link", "{from", "did you mean 'to'?"),
    ),
    "a queue without bounds": (
        ("  tone: {use: test_tone}", "- {from: tone, to: end, queue: {packets: 0}}"),
        ("6:44: error: packets is a whole number of at least 1, not 0", "0}", ""),
    ),
    "an unknown policy": (
        ("  tone: {use: test_tone}", "- {from: tone, to: end, queue: {policy: leaky-odlest}}"),
        ("6:43: error: policy is one of block", "leaky-odlest", "did you mean 'leaky-oldest'?"),
    ),
    "keep with YAML 1.1's yes": (
        ("  tone: {use: test_tone}", "- {from: tone, to: end, keep: yes}"),
        ("6:33: error: keep is true or false, not 'yes'", "yes}", ""),
    ),
    "a node without use": (
        ("  tone: {frequency: 3}", "- tone -> end"),
        ("3:3: error: node 'tone' does not say what it is", "tone:", "add 'use: tone'"),
    ),
    "a node that is empty": (
        ("  tone:", "- tone -> end"),
        ("3:3: error: node 'tone' does not say what it is", "tone:", "add 'use: tone'"),
    ),
    "a node that is a word": (
        ("  tone: test_tone", "- tone -> end"),
        ("3:9: error: tone is a mapping", "test_tone", "write 'tone: {use: test_tone}'"),
    ),
    "use of a list": (
        ("  tone: {use: [a]}", "- tone -> end"),
        ("3:15: error: use names a node, not a list", "[a]", ""),
    ),
    "a name with a space": (
        ("  'to ne': {use: test_tone}\n  tone: {use: test_tone}", "- tone -> end"),
        ("3:3: error: 'to ne' is not a name for a node", "'to ne'", "use letters, digits, _ and -"),
    ),
    "a duplicate key": (
        ("  tone: {use: test_tone}\n  tone: {use: tee}", "- tone -> end"),
        ("4:3: error: duplicate key 'tone' (first in line 3)", "tone: {use: tee", "remove one of them"),
    ),
    "a property that no candidate of the role has": (
        ("  tone: {use: test_tone}\n  v: {use: vad, xyzzy: 3}", "- tone -> v -> end"),
        ("4:17: error: v: no property 'xyzzy'", "xyzzy", "known: "),
    ),
    "on_error misspelt": (
        ("  tone: {use: test_tone, on_error: explode}", "- tone -> end"),
        ("3:36: error: on_error is one of fail, skip, restart; not 'explode'", "explode", ""),
    ),
    "a bin whose file is missing": (
        ("  tone: {use: ./no.yaml}", "- tone -> end"),
        ("3:15: error: no.yaml: cannot be read: No such file or directory", "./no.yaml", ""),
    ),
    "a tag": (
        ("  tone: !!python/object:os.system {}", "- tone -> end"),
        ("3:9: error: the tag !!python/object:os.system is not allowed", "!!python", "write a plain value"),
    ),
    "an alias of itself": (
        ("  tone: &a {use: *a}", "- tone -> end"),
        ("3:9: error: an alias refers to itself", "&a", ""),
    ),
    "a merge key": (
        ("  tone: {<<: {use: test_tone}}", "- tone -> end"),
        ("3:10: error: '<<' is not supported", "<<", "write the entries out"),
    ),
    "a key that is a list": (
        ("  ? [a, b]\n  : 1", "- tone -> end"),
        ("3:5: error: a key is a plain word", "[a, b]", ""),
    ),
    "tabs": (
        ("\ttone: {use: test_tone}", "- tone -> end"),
        ("3:1: error: not valid YAML", "\ttone", "indent with spaces"),
    ),
    "a brace that is not closed": (
        ("  tone: {use: test_tone", "- tone -> end"),
        ("4:6: error: not valid YAML: did not find", ":", "that begins in line 3"),
    ),
    "a reference without quotes in braces": (
        ("  tone: {use: test_tone, frequency: ${PITCH}}", "- tone -> end"),
        ("error: not valid YAML", "{PITCH}", 'stands in quotes: "${NAME}"'),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_graph_is_refused_with_place_caret_and_mend(refused: Refused, case: str) -> None:
    (nodes, links), (message, pointed, mend) = WRONG[case]
    err = refused(graph(nodes, links))
    assert message in err
    assert caret(err).startswith(pointed)
    assert mend in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "g.yaml: error: the file is empty"),
        ("# nothing\n", "g.yaml: error: the file is empty"),
        ("hello\n", "g.yaml:1:1: error: a graph is a mapping, not text"),
        (GOOD + "---\nvflow: 1\n", "g.yaml:9:1: error: the file holds several documents"),
        ("vflow: 2\n" + GOOD[9:], "g.yaml:1:8: error: version 2 of the format is not known"),
        (GOOD.replace("nodes:", "nodse:"), "g.yaml:2:1: error: unknown key 'nodse' in a graph"),
        ("vflow: 1\nlinks: []\n", "g.yaml:1:1: error: the graph has no nodes"),
        ("vflow: 1\nnodes:\nlinks: []\n", "g.yaml:2:7: error: nodes is a mapping, not nothing"),
        (GOOD.partition("links:")[0], "g.yaml:1:1: error: the graph has no links"),
        (GOOD.replace("\n  - tone", " tone"), "g.yaml:6:8: error: links is a list, not text"),
        ("a: " + "[" * 60_000 + "]" * 60_000, "g.yaml:1:53: error: nested more than 50 deep"),
        (
            "vflow: 1\ndoc: \a\n",
            "g.yaml:2:6: error: not a text file (it holds the control character '\\x07')",
        ),
        ("vflow: 1\nbudget: 800ms\n", "g.yaml:2:9: error: budget is a mapping, not text"),
        ("vflow: 1\nproxy: 5\n", "g.yaml:2:8: error: proxy is a list of nodes, not 5"),
    ],
)
def test_a_file_that_is_no_graph_is_refused(refused: Refused, text: str, message: str) -> None:
    assert message in refused(text)


def test_a_missing_link_section_is_the_only_error_of_its_graph(refused: Refused) -> None:
    assert refused(GOOD.partition("links:")[0]).count("error:") == 1


def test_consequence_of_an_error_is_not_reported_again(refused: Refused) -> None:
    assert refused(graph("  tone: {use: nothing_like_it}")).count("error:") == 1
    assert refused(GOOD.replace("nodes:", "nodse:")).count("error:") == 1


def test_exploding_aliases_are_refused(refused: Refused) -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    assert "error: aliases expand to more than 50,000 values" in refused("\n".join(lines))


def test_a_binary_file_is_refused(vflow: Vflow, tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_bytes(b"\x7fELF\x00\xff\xfe")
    ran = vflow("check", "g.yaml")
    assert ran.code == 2
    assert "not a text file" in ran.err


def test_a_huge_file_is_refused_unread(vflow: Vflow, tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_bytes(b"# " + b"x" * 10_000_000)
    ran = vflow("check", "g.yaml")
    assert ran.code == 2
    assert "10,000,002 bytes is too large for a graph" in ran.err


def test_an_endless_device_is_refused(vflow: Vflow) -> None:
    ran = vflow("check", "/dev/zero")
    assert ran.code == 2
    assert "too large for a graph" in ran.err


def test_a_folder_is_refused(vflow: Vflow, tmp_path: Path) -> None:
    ran = vflow("check", str(tmp_path))
    assert ran.code == 2
    assert "cannot be read: Is a directory" in ran.err


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("no.wav", "no such file: no.wav"),
        ("empty.wav", "empty.wav holds no samples"),
        ("text.wav", "text.wav cannot be read as sound"),
        ("nan.wav", "nan.wav holds a sample that is not a number"),
        (".", ". is a folder, not a sound file"),
    ],
)
def test_a_sound_file_is_looked_at(refused: Refused, tmp_path: Path, file: str, message: str) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1), np.float32), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.full((9, 1), np.nan, np.float32), 16_000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("hello")
    err = refused(graph(f"  tone: {{use: wav_source, file: {file}}}"))
    assert f"g.yaml:3:33: error: tone: {message}" in err


# the environment


def test_yes_on_and_off_stay_words(vflow: Vflow) -> None:
    for word in ("yes", "no", "on", "off"):
        text = graph(f"  tone: {{use: text_source, text: {word}}}")
        assert vflow("check", "g.yaml", files={"g.yaml": text}).code == 0


@pytest.mark.parametrize("written", ['"${PITCH}"', "'${PITCH:-3}'"])
def test_a_variable_is_read_and_typed(vflow: Vflow, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("PITCH", "440")
    text = graph(f"  tone: {{use: test_tone, frequency: {written}}}")
    assert vflow("check", "g.yaml", files={"g.yaml": text}).code == 0


def test_an_unset_variable_is_an_error_unless_it_has_a_default(vflow: Vflow) -> None:
    text = graph('  tone: {use: test_tone, frequency: "${VFLOW_NOT_SET}"}')
    ran = vflow("check", "g.yaml", files={"g.yaml": text})
    assert ran.code == 2
    assert "g.yaml:3:37: error: environment variable VFLOW_NOT_SET is not set" in ran.err
    assert "set it, or write ${VFLOW_NOT_SET:-default}" in ran.err
    text = text.replace("NOT_SET", "NOT_SET:-440")
    assert vflow("check", "g.yaml", files={"g.yaml": text}).code == 0


@pytest.mark.parametrize(
    "nodes",
    [
        '  tone: {use: test_tone, frequency: "${SECRET}"}',
        '  tone: {use: test_tone, frame: "${SECRET}"}',
        '  tone: {use: test_tone, frequency: ["${SECRET}"]}',
        '  tone: {use: resample, quality: "${SECRET}"}',
        '  tone: {use: "${SECRET}"}',
        "  tone: ${SECRET}",
        '  tone: {use: wav_source, file: "${SECRET}"}',
        '  tone: {use: wav_source, file: "/x/${SECRET}.wav"}',
        '  tone: {use: test_tone, order: "${SECRET}"}',
        '  tone: {use: test_tone, on_error: "${SECRET}"}',
        '  tone: {use: test_tone, on_error: {restart: {backoff: "${SECRET}"}}}',
        "  tone: {use: test_tone}\nthreads:\n  torch: ${SECRET}\nnodes2:\n  a: 1",
    ],
)
def test_value_of_an_environment_variable_is_never_printed(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, nodes: str
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    err = refused(graph(nodes))
    assert "hunter2" not in err
    assert "${SECRET}" in err


def test_a_link_names_its_nodes(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "end")
    err = refused(graph("  tone: {use: test_tone}", "- tone -> ${SECRET}"))
    assert "g.yaml:6:5: error: tone -> ${SECRET} cannot stand in a link" in err


# bins in files

ROOM = """\
params: {pitch: 440}
ports: {audio: tone.audio}
proxy: [tone]
nodes:
  tone: {use: test_tone, frequency: "${pitch}"}
"""


@pytest.mark.parametrize("params", ["", ", params: {pitch: 880}", ", pitch: 880", ", level: -20"])
def test_bin_in_a_file_takes_its_params_and_forwarded_properties(vflow: Vflow, params: str) -> None:
    files = {"g.yaml": graph(f"  tone: {{use: ./room.yaml{params}}}"), "room.yaml": ROOM}
    assert vflow("check", "g.yaml", files=files).code == 0


@pytest.mark.parametrize(
    ("params", "message", "mend"),
    [
        (", params: {pich: 1}", "g.yaml:3:37: error: tone: no property 'pich'", "did you mean 'pitch'?"),
        (", levle: 1", "g.yaml:3:28: error: tone: no property 'levle'", "did you mean 'level'?"),
        (", params: {pitch: high}", "g.yaml:3:44: error: tone.tone: frequency takes float, not 'high'", ""),
        (", level: 300", "g.yaml:3:35: error: tone.tone: level is 300, out of range", "at most 0"),
        (", params: [a]", "g.yaml:3:36: error: params is a mapping, not a list", ""),
    ],
)
def test_a_wrong_param_of_a_bin_is_told_where_it_was_given(
    vflow: Vflow, params: str, message: str, mend: str
) -> None:
    files = {"g.yaml": graph(f"  tone: {{use: ./room.yaml{params}}}"), "room.yaml": ROOM}
    ran = vflow("check", "g.yaml", files=files)
    assert ran.code == 2
    assert message in ran.err
    assert mend in ran.err
    assert ran.err.count("error:") == 1


@pytest.mark.parametrize(
    ("room", "message"),
    [
        ("nodes:\n  tone: {use: test_tone}\n", "g.yaml:3:15: error: room.yaml: a graph used as a node says"),
        (ROOM.replace("tone.audio", "tune.audio"), "room.yaml:2:16: error: no node 'tune'"),
        (
            ROOM.replace("tone.audio", "tone.audoi"),
            "room.yaml:2:16: error: port 'audio' of the bin: tone has no port 'audoi'",
        ),
        (ROOM.replace("[tone]", "[tune]"), "room.yaml:3:9: error: no node 'tune'"),
        (ROOM.replace("test_tone", "test_tome"), "room.yaml:5:15: error: no node is named 'test_tome'"),
        (
            ROOM.replace("test_tone", "./room.yaml"),
            "room.yaml:5:15: error: tone.tone: ./room.yaml contains itself",
        ),
        (ROOM.replace("${pitch}", "${pich}"), "room.yaml:5:37: error: environment variable pich is not set"),
    ],
)
def test_a_wrong_bin_is_told_once_where_it_is_wrong(vflow: Vflow, room: str, message: str) -> None:
    ran = vflow("check", "g.yaml", files={"g.yaml": graph("  tone: {use: ./room.yaml}"), "room.yaml": room})
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.count("error:") == 1


def test_a_bins_file_can_be_checked_alone(vflow: Vflow) -> None:
    ran = vflow("check", "room.yaml", files={"room.yaml": ROOM})
    assert (ran.code, ran.err) == (0, "")
    wrong = ROOM.replace("pitch: 440", "pitch: high")
    ran = vflow("check", "room.yaml", files={"room.yaml": wrong})
    assert ran.code == 2
    assert "room.yaml:1:17: error: tone: frequency takes float, not 'high'" in ran.err


def test_a_bins_file_alone_may_have_an_input_that_is_not_fed(vflow: Vflow) -> None:
    text = "ports: {audio: low.audio}\nnodes:\n  low: {use: resample}\n"
    assert vflow("check", "g.yaml", files={"g.yaml": text}).code == 0


def test_a_bin_that_contains_itself_by_a_detour_is_refused(vflow: Vflow) -> None:
    inside = "ports: {audio: x.audio}\nproxy: [x]\nnodes:\n  x: {use: ./%s.yaml}\n"
    files = {
        "g.yaml": graph("  tone: {use: ./a.yaml, level: 3}"),
        "a.yaml": inside % "b",
        "b.yaml": inside % "a",
    }
    ran = vflow("check", "g.yaml", files=files)
    assert ran.code == 2
    assert "b.yaml:4:12: error: tone.x.x: ./a.yaml contains itself" in ran.err


def test_a_graph_is_checked_as_a_run_with_the_same_options_has_it(vflow: Vflow, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.full(1600, 0.1), 16_000)
    text = "nodes: {m: {use: mic}, s: {use: speaker}}\nlinks: [m -> s]\n"
    options = ["--input", "in.wav", "--output", "out.wav"]
    ran = vflow("check", "g.yaml", *options, "--set", "m.frame=10ms", files={"g.yaml": text})
    assert (ran.code, ran.err) == (0, "")
    assert "m.frame 10ms" in ran.out
    ran = vflow("check", "g.yaml", *options, "--set", "m.fram=10ms")
    assert (ran.code, "did you mean 'frame'" in ran.err) == (2, True)
    assert not (tmp_path / "out.wav").exists()


HEARS = """\
nodes:
  m: {use: test_tone}
  v: {use: vad.energy}
  s: {use: stt.moonshine, model: %s}
  o: {use: console}
links: [m -> v -> s -> o]
"""


@pytest.mark.parametrize("path", ["./gone", "/data/models/gone", "~/models/gone"])
def test_a_model_folder_that_is_not_here_is_found(vflow: Vflow, path: str) -> None:
    ran = vflow("check", "g.yaml", files={"g.yaml": HEARS % path})
    assert f"g.yaml:4:34: warning: s: {path} is not here" in ran.err
    assert "mend: check the path" in ran.err


def test_a_model_folder_out_of_the_environment_is_not_printed(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", "/secret/place/gone")
    ran = vflow("check", "g.yaml", files={"g.yaml": HEARS % "'${MODEL}'"})
    assert "s: ${MODEL} is not here" in ran.err
    assert "secret" not in ran.err + ran.out
