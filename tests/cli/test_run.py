"""`vflow run` as a user meets it: exit codes, Ctrl-C, what bad input gets, nodes that hang."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.remote_server import Remote, error, reply, serve
from tests.stand_ins import unplaced
from vflow.cli.main import main

ECHO = Path(__file__).parents[2] / "pipelines" / "echo.yaml"
HANGING = '''
import os, sys, time
import numpy as np
from vflow import Audio, In, Node, Out, Sink

class Hang(Node):
    """Blocks where it is told to, as C code does that never looks."""
    audio = In(Audio())
    where = sys.argv.pop()

    def block(self):
        print("hanging", file=sys.stderr, flush=True)
        time.sleep(3600)  # stands in for a call that does not return

    def open(self):
        if self.where == "open":
            self.block()
        if self.where == "until stopped":
            print("hanging", file=sys.stderr, flush=True)
            try:
                self.ctx.wait_until()
            except BaseException:
                pass
        if self.where == "close after open failed":
            raise RuntimeError("no model")

    def process(self, packet):
        if self.where == "process":
            self.block()

    def close(self):
        if self.where == "elsewhere":
            os.chdir("/")
        if self.where.startswith("close"):
            self.block()
        counts = {"loudest": np.float32(0.5), "frames": np.int64(3), "odd": float("nan"), "raw": b"x"}
        self.ctx.post("stats", "counts", **counts)

class Reply(Node):
    """Replies without an end."""
    generates = True
    audio = In(Audio())
    out = Out(Audio(rate=16000, channels=1))

    def process(self, packet):
        yield packet
        print("hanging", file=sys.stderr, flush=True)
        time.sleep(3600)  # stands in for a call that does not return

class Deaf(Sink):
    """Hangs where it is asked to drop."""
    audio = In(Audio())

    def process(self, packet):
        pass

    def drop(self, epoch):
        time.sleep(3600)  # stands in for a driver that does not return

    def lead_ns(self):
        return 0

import vflow.graph.loader
load, nodes = vflow.graph.loader.load, {"hang": Hang, "reply": Reply, "deaf": Deaf}
vflow.graph.loader.load = lambda *args, **kwargs: load(*args, **kwargs, nodes=nodes)
from vflow.cli.main import entry
entry()
'''


ENDING = "ending: what was begun is played to its end; Ctrl-C again stops at once\n"


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    tone = 0.1 * np.sin(np.arange(16000) * 0.1)
    soundfile.write(tmp_path / "in.wav", tone, 16000)
    return tmp_path / "in.wav"


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """Write a graph that plays a tone for an hour, in real time."""
    path = tmp_path / "endless.yaml"
    path.write_text(
        "vflow: 1\nnodes:\n  tone: {use: test_tone, duration: 1h, pace: clock}\n"
        f"  out: {{use: wav_sink, file: {tmp_path / 'out.wav'}}}\nlinks:\n  - tone -> out\n"
    )
    return path


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start_process(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_process
    for process in started:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read stderr up to a line with `text`."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"ended without {text!r}")


def test_ctrl_c_while_it_plays_is_one_line_and_130_and_leaves_recording_and_report(
    start: Start, endless: Path, tmp_path: Path
) -> None:
    report, out = tmp_path / "report.json", tmp_path / "out.wav"
    process = start("-m", "vflow.cli.main", "run", str(endless), "--report", str(report))
    wait_for(process, "playing")
    process.send_signal(signal.SIGINT)
    said, err = process.communicate(timeout=30)
    assert (process.returncode, said, err) == (130, "", ENDING)
    assert json.loads(report.read_text())["links"][0]["pushed"] > 0
    assert soundfile.info(out).frames * 2 + 44 == out.stat().st_size > 44


def test_ctrl_c_ends_the_lines_of_json_with_130(start: Start, endless: Path) -> None:
    process = start("-m", "vflow.cli.main", "run", str(endless), "--json")
    wait_for(process, "playing")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(said.splitlines()[-1])["code"] == 130


READS_RECORDINGS = """
import sys
from vflow.report.turn_log import TurnLog

def refine(self, *recordings):
    for _ in range(2):
        print("reading", file=sys.stderr, flush=True)
        sys.stdin.readline()

TurnLog.refine = refine
from vflow.cli.main import entry
entry()
"""


@pytest.fixture
def finishing(start: Start, tmp_path: Path) -> subprocess.Popen[str]:
    """Start a run that has played, and goes on after two lines on standard input. Its report is `r.json`."""
    (tmp_path / "finishing.py").write_text(READS_RECORDINGS)
    graph = tmp_path / "g.yaml"
    graph.write_text("nodes: {a: {use: test_tone, duration: 20ms}, b: {use: 'null'}}\nlinks: [a -> b]\n")
    report = str(tmp_path / "r.json")
    process = start(str(tmp_path / "finishing.py"), "run", str(graph), "--report", report)
    wait_for(process, "reading")
    return process


def test_ctrl_c_after_the_last_sound_ends_with_130_and_the_report(
    finishing: subprocess.Popen[str], tmp_path: Path
) -> None:
    finishing.send_signal(signal.SIGINT)
    _, err = finishing.communicate("\n\n", timeout=30)
    assert (finishing.returncode, err) == (130, "reading\n")
    assert json.loads((tmp_path / "r.json").read_text())["turns"] == []


def test_a_second_ctrl_c_does_not_wait_for_the_report(finishing: subprocess.Popen[str]) -> None:
    finishing.send_signal(signal.SIGINT)
    assert finishing.stdin is not None
    finishing.stdin.write("\n")
    finishing.stdin.flush()
    wait_for(finishing, "reading")
    finishing.send_signal(signal.SIGINT)
    assert finishing.wait(timeout=30) == 130
    assert finishing.stderr is not None
    assert finishing.stderr.read() == "interrupted\n"


def hanging(tmp_path: Path, where: str) -> list[str]:
    script, graph = tmp_path / "hanging.py", tmp_path / "hang.yaml"
    script.write_text(HANGING)
    graph.write_text(
        "vflow: 1\nnodes:\n  tone: {use: test_tone, duration: 1h, pace: clock}\n"
        "  stuck: {use: hang}\nlinks:\n  - {from: tone, to: stuck, queue: {packets: 4}}\n"
    )
    return [str(script), "run", str(graph), where]


@pytest.mark.parametrize("where", ["process", "close"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_hanging_node_is_named_and_abandoned(
    start: Start, tmp_path: Path, where: str, number: signal.Signals, code: int
) -> None:
    process = start(*hanging(tmp_path, where))
    wait_for(process, "hanging" if where == "process" else "playing")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "abandoned" in err
    assert "stuck" in err


def test_ctrl_c_while_a_node_still_loads_is_one_line_and_130(start: Start, tmp_path: Path) -> None:
    process = start(*hanging(tmp_path, "open"))
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "stopping\n")


def test_ctrl_c_where_a_start_failed_and_a_node_hangs_in_close_ends_with_1_and_the_reason(
    start: Start, tmp_path: Path
) -> None:
    process = start(*hanging(tmp_path, "close after open failed"))
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert unplaced(err).count("stuck: RuntimeError: no model") == 1


def test_a_node_that_changes_the_folder_does_not_misplace_the_report(start: Start, tmp_path: Path) -> None:
    script, run, graph, where = hanging(tmp_path, "elsewhere")
    Path(graph).write_text(Path(graph).read_text().replace("1h", "20ms"))
    report = os.path.relpath(tmp_path / "r.json")
    process = start(script, run, graph, "--report", report, where)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, (tmp_path / "r.json").is_file()) == (0, True), err


def test_a_second_ctrl_c_while_it_loads_ends_with_130(start: Start, tmp_path: Path) -> None:
    process = start(*hanging(tmp_path, "open"))
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    wait_for(process, "stopping")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_ctrl_c_while_it_loads_ends_with_130_for_nothing_was_played(start: Start, tmp_path: Path) -> None:
    process = start(*hanging(tmp_path, "until stopped"))
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "stopping\n")


def test_a_sink_that_hangs_in_drop_does_not_hold_up_ctrl_c(start: Start, tmp_path: Path) -> None:
    words = hanging(tmp_path, "nowhere")
    (tmp_path / "hang.yaml").write_text(
        "vflow: 1\nnodes:\n  tone: {use: test_tone, duration: 1h, pace: clock}\n  reply: {use: reply}\n"
        "  deaf: {use: deaf}\nlinks:\n  - tone -> reply -> deaf\n"
    )
    process = start(*words)
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "abandoned" in err
    assert "deaf" in err


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_drains_and_leaves_recording_and_report(
    start: Start, endless: Path, tmp_path: Path, number: signal.Signals
) -> None:
    report = tmp_path / "report.json"
    process = start("-m", "vflow.cli.main", "run", str(endless), "--report", str(report))
    wait_for(process, "playing")
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(report.read_text())["links"]
    assert soundfile.info(tmp_path / "out.wav").frames > 0


def test_a_run_that_is_killed_leaves_a_recording(start: Start, endless: Path, tmp_path: Path) -> None:
    process = start("-m", "vflow.cli.main", "run", str(endless))
    wait_for(process, "playing")
    out = tmp_path / "out.wav"
    until = time.monotonic() + 30
    while time.monotonic() < until and not (out.exists() and out.stat().st_size > 8_000):
        select.select([], [], [], 0.01)
    process.kill()
    process.communicate(timeout=30)
    assert soundfile.info(out).frames * 2 + 44 == out.stat().st_size > 8_000


def test_whatever_a_node_posts_the_report_is_written_and_names_it(start: Start, tmp_path: Path) -> None:
    words, report = hanging(tmp_path, "nowhere"), tmp_path / "r.json"
    graph = tmp_path / "hang.yaml"
    graph.write_text(graph.read_text().replace("duration: 1h, pace: clock", "duration: 50ms"))
    process = start(*words[:-1], "--report", str(report), words[-1])
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    written = json.loads(report.read_text())
    assert written["stats"]["stuck"] == {"loudest": 0.5, "frames": 3, "odd": None, "raw": "x"}
    assert any("stuck" in warning and "nan" in warning for warning in written["warnings"])
    assert "stuck: what it posted for the report holds nan" in err


def test_the_second_ctrl_c_stops_at_once_with_130(start: Start, tmp_path: Path) -> None:
    process = start(*hanging(tmp_path, "process"))
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    wait_for(process, "ending")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_screen_that_cannot_be_written_costs_no_report(tmp_path: Path) -> None:
    graph, report = tmp_path / "words.yaml", tmp_path / "r.json"
    graph.write_text(
        "nodes:\n  text: {use: text_source, text: one two}\n  end: {use: 'null'}\nlinks:\n  - text -> end\n"
    )
    words = [sys.executable, "-m", "vflow.cli.main", "run", str(graph), "--report", str(report)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert json.loads(report.read_text())["turns"][0]["reply"] == "one two"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that must be refused with 2 and without a traceback; return its stderr."""
    assert main(["run", *words]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return err


def test_invalid_number_of_threads_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    graph = tmp_path / "g.yaml"
    graph.write_text("nodes: {a: {use: test_tone, duration: 20ms}, b: {use: 'null'}}\nlinks: [a -> b]\n")
    assert main(["run", str(graph)]) == 0
    assert "warning: OMP_NUM_THREADS is 'many', which is no number of threads" in capsys.readouterr().err


def test_a_missing_input_is_an_error_at_the_mic(capsys: pytest.CaptureFixture[str]) -> None:
    err = refused(capsys, str(ECHO), "--input", "none.wav", "--output", "/dev/null")
    assert "none.wav" in err
    assert "no such file" in err


def test_input_that_is_not_audio_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    assert "text.wav" in refused(capsys, str(ECHO), "--input", str(tmp_path / "text.wav"))


@pytest.mark.parametrize("bad", [np.zeros(0), np.array([0.1, np.nan, 0.1])], ids=["empty", "nan"])
def test_audio_that_cannot_be_played_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, bad: np.ndarray
) -> None:
    soundfile.write(tmp_path / "bad.wav", bad, 16000, subtype="FLOAT")
    assert "bad.wav" in refused(capsys, str(ECHO), "--input", str(tmp_path / "bad.wav"))


def test_an_output_folder_that_does_not_exist_is_refused(
    capsys: pytest.CaptureFixture[str], wav: Path, tmp_path: Path
) -> None:
    err = refused(capsys, str(ECHO), "--input", str(wav), "--output", str(tmp_path / "none" / "out.wav"))
    assert "does not exist" in err


def test_an_output_that_would_overwrite_the_input_is_refused(
    capsys: pytest.CaptureFixture[str], wav: Path
) -> None:
    before = wav.read_bytes()
    assert "would overwrite" in refused(capsys, str(ECHO), "--input", str(wav), "--output", str(wav))
    assert wav.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ["run", "g.yaml", "--report", "{weights}"],
        ["run", "g.yaml", "--output", "{weights}"],
        ["graph", "g.yaml", "-o", "{weights}"],
        ["run", "g.yaml", "--set", "out.file={weights}"],
    ],
)
@pytest.mark.parametrize("name", ["cache/models/smollm2/m.gguf", "hub/models--a--b/blobs/1"])
def test_no_option_overwrites_a_model_that_is_named_by_a_short_name(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VFLOW_CACHE", "cache")
    monkeypatch.setenv("HF_HUB_CACHE", "hub")
    weights = tmp_path / name
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    tone = "tone: {use: test_tone, duration: 20ms}"
    Path("g.yaml").write_text(
        f"nodes: {{{tone}, out: {{use: wav_sink, file: o.wav}}}}\nlinks: [tone -> out]\n"
    )
    assert main([word.format(weights=weights) for word in words]) == 2
    assert "would overwrite what the run reads: the cache of models" in capsys.readouterr().err
    assert weights.read_bytes() == b"weights"


@pytest.mark.parametrize("option", ["--output", "--report"])
@pytest.mark.parametrize("what", ["in.wav", "graph.yaml"])
def test_option_that_would_overwrite_an_input_is_refused_by_any_name(
    capsys: pytest.CaptureFixture[str], wav: Path, tmp_path: Path, option: str, what: str
) -> None:
    (tmp_path / "graph.yaml").write_text(ECHO.read_text())
    (tmp_path / "link").symlink_to(what)
    before = (tmp_path / what).read_bytes()
    said = refused(capsys, str(tmp_path / "graph.yaml"), "--input", str(wav), option, str(tmp_path / "link"))
    assert f"{option} would overwrite what the run reads" in said
    assert (tmp_path / what).read_bytes() == before


def test_report_that_would_overwrite_a_node_s_file_is_refused(
    capsys: pytest.CaptureFixture[str], endless: Path, tmp_path: Path
) -> None:
    said = refused(capsys, str(endless), "--report", str(tmp_path / "." / "out.wav"))
    assert "--report would overwrite what the run writes: out writes the same file" in said


def test_a_run_that_cannot_open_leaves_the_recording_of_before(
    capsys: pytest.CaptureFixture[str], wav: Path, tmp_path: Path
) -> None:
    before = wav.read_bytes()
    graph = tmp_path / "g.yaml"
    graph.write_text(
        "vflow: 1\nnodes:\n  t: {use: text_source, file: gone.txt}\n  c: {use: console}\n"
        f"  tone: {{use: test_tone}}\n  out: {{use: wav_sink, file: {wav}}}\n"
        "links:\n  - t -> c\n  - tone -> out\n"
    )
    assert "gone.txt" in refused(capsys, str(graph))
    assert wav.read_bytes() == before


def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    capsys: pytest.CaptureFixture[str], wav: Path, tmp_path: Path
) -> None:
    words = [str(ECHO), "--input", str(wav), "--output", str(tmp_path / "o.wav"), "--report", str(tmp_path)]
    assert "is a folder" in refused(capsys, *words)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("mic.fram=10ms", "did you mean 'frame'"),
        ("mic.frame=10", "write 10ms"),
        ("mcc.frame=10ms", "did you mean 'mic'"),
        ("frame", "--set node.property=value"),
    ],
)
def test_a_wrong_set_is_refused_with_its_mend(
    capsys: pytest.CaptureFixture[str], wav: Path, tmp_path: Path, option: str, said: str
) -> None:
    words = [str(ECHO), "--input", str(wav), "--output", str(tmp_path / "o.wav"), "--set", option]
    assert said in refused(capsys, *words)


def test_input_without_a_mic_is_refused(capsys: pytest.CaptureFixture[str], endless: Path, wav: Path) -> None:
    assert "which no node plays" in refused(capsys, str(endless), "--input", str(wav))


def test_a_missing_model_names_the_command_that_fetches_it(
    capsys: pytest.CaptureFixture[str], wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "cache"))
    flagship = ECHO.parent / "voice_agent.yaml"
    err = refused(capsys, str(flagship), "--input", str(wav), "--output", str(tmp_path / "o.wav"))
    assert "vflow models pull smollm2" in err


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000, 192000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_any_rate_and_sample_format_is_played(tmp_path: Path, rate: int, subtype: str) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)
    soundfile.write(tmp_path / "in.wav", np.stack([tone, tone], axis=1), rate, subtype=subtype)
    graph = tmp_path / "copy.yaml"
    graph.write_text(
        f"nodes:\n  src: {{use: wav_source, file: {tmp_path / 'in.wav'}, pace: free}}\n"
        f"  snk: {{use: wav_sink, file: {tmp_path / 'out.wav'}, sync: false}}\nlinks:\n  - src -> snk\n"
    )
    assert main(["run", str(graph)]) == 0
    played, played_rate = soundfile.read(tmp_path / "out.wav")
    assert played_rate == rate
    assert len(played) == rate // 2
    assert np.abs(played - tone).max() < 1e-3


def test_a_node_that_fails_while_running_ends_with_1_and_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vflow.graph.registry
    from vflow import Audio, In, Node

    class Broken(Node):
        """Raises at once."""

        audio = In(Audio())

        def process(self, packet: object) -> None:
            raise ValueError("cannot")

    load = vflow.graph.registry.Registry.load
    monkeypatch.setattr(
        vflow.graph.registry.Registry, "load", lambda self, n: Broken if n == "broken" else load(self, n)
    )
    graph = tmp_path / "broken.yaml"
    graph.write_text("nodes:\n  tone: {use: test_tone}\n  bad: {use: broken}\nlinks:\n  - tone -> bad\n")
    report = tmp_path / "r.json"
    assert main(["run", str(graph), "--report", str(report)]) == 1
    err = capsys.readouterr().err
    place = f"{Path(__file__).name}:{Broken.process.__code__.co_firstlineno + 1} in process"
    assert f"broken.yaml:3:3: error: bad: {place}: ValueError: cannot" in err
    assert "Traceback" not in err
    (found,) = json.loads(report.read_text())["errors"]
    assert (found["node"], found["message"]) == ("bad", f"{place}: ValueError: cannot")
    assert 'raise ValueError("cannot")' in found["traceback"]
    assert main(["run", str(graph), "--verbose"]) == 1
    assert '    raise ValueError("cannot")' in capsys.readouterr().err


def vflow_run(*words: str, typed: bytes) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", "from vflow.cli.main import entry; entry()", "run", *words]
    return subprocess.run(program, input=typed, capture_output=True, timeout=120, check=False)


def asked(server: Remote, folder: Path, *words: str) -> tuple[int, list[str], list[dict[str, object]]]:
    """Ask a remote model in two turns; return exit code, lines of stderr, and the turns of the report."""
    chat = f"chat: {{use: chat.openai, model: tiny, retries: 0, base_url: '{server.url}'}}"
    nodes = f"{{lines: {{use: line_source}}, {chat}, end: {{use: 'null'}}}}"
    (folder / "g.yaml").write_text(f"nodes: {nodes}\nlinks: [lines -> chat -> end]\n")
    report = folder / "r.json"
    ran = vflow_run(str(folder / "g.yaml"), "--report", str(report), *words, typed=b"One?\nTwo?\n")
    return ran.returncode, ran.stderr.decode().splitlines(), json.loads(report.read_text())["turns"]


@pytest.mark.parametrize("words", [[], ["--quiet"], ["--verbose"]])
def test_a_run_of_which_every_turn_failed_says_so_last_and_ends_with_1(
    tmp_path: Path, words: list[str]
) -> None:
    with serve(error(500, "out of order")) as server:
        code, said, turns = asked(server, tmp_path, *words)
        place = server.place
    assert (code, [turn["stop_reason"] for turn in turns]) == (1, ["error", "error"])
    assert said[-1] == (
        "nothing was answered: each of 2 turns ended in an error; the last: chat: turn 2 is not answered: "
        f"{place} failed (500): out of order; try again later, or look into its log"
    )


def test_a_run_of_which_one_turn_was_answered_ends_with_0(tmp_path: Path) -> None:
    with serve(error(500, "out of order"), reply("Yes.")) as server:
        code, said, _ = asked(server, tmp_path)
    assert (code, any("nothing was answered" in line for line in said)) == (0, False)


def test_lines_of_a_pipe_are_asked_one_after_the_other_and_answered_in_words(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    typed = b"What is the capital of France?\n\nThank you."
    ran = vflow_run("voice_agent", "--text", "--mute", "--report", str(report), typed=typed)
    assert ran.returncode == 0, ran.stderr
    first, answer, second, _ = ran.stdout.decode().splitlines()
    assert (first, second) == ("you:   What is the capital of France?", "you:   Thank you.")
    assert answer.startswith("agent: ")
    assert "Paris" in answer
    turns = json.loads(report.read_text())["turns"]
    assert [turn["user"] for turn in turns] == ["What is the capital of France?", "Thank you."]
    assert all(turn["heard"] == turn["reply"] != "" for turn in turns)
    assert json.loads(report.read_text())["resolved"].keys() == {"generator", "generator.chat", "typed"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mute"], "--mute is for typed turns"),
        (["--text", "--input", "a.wav"], "--input and --text contradict one another"),
        (["--text", "--mute", "--output", "a.wav"], "--output and --mute contradict one another"),
        (["--text"], "no generator takes text"),
    ],
)
def test_options_of_typed_turns_that_cannot_be_met_are_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(ECHO), *options]) == 2
    assert message in capsys.readouterr().err


def test_typed_turns_without_a_standard_input_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["run", "voice_agent", "--text", "--mute"]) == 2
    assert "--text: error: standard input is closed" in capsys.readouterr().err
