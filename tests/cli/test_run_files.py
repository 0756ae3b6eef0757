"""Several inputs, folders, standard input and formats of `vflow run`, as a user meets them."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Vflow
from vflow import GraphError
from vflow.cli.run_files import RunFiles, encoded, find_runs

COPY = "nodes: {in: {use: mic}, out: {use: speaker}}\nlinks: [in -> out]\n"


def tone(path: Path, seconds: float = 0.1, hz: float = 440.0, rate: int = 16_000) -> Path:
    path.parent.mkdir(exist_ok=True)
    time = np.arange(int(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * time), rate)
    return path


def test_each_input_of_a_folder_has_a_recording_and_a_report(vflow: Vflow, tmp_path: Path) -> None:
    tone(tmp_path / "said" / "a.wav", 0.1)
    tone(tmp_path / "said" / "b.flac", 0.3)
    (tmp_path / "said" / "notes.txt").write_text("no sound")
    words = ["run", "g.yaml", "--input", "said", "--fast", "--output", "heard", "--report", "reports"]
    ran = vflow(*words, files={"g.yaml": COPY})
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in (tmp_path / "heard").iterdir()) == ["a.wav", "b.wav"]
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["a.json", "b.json"]
    padded = 2.0
    lengths = [soundfile.info(tmp_path / "heard" / name).duration for name in ("a.wav", "b.wav")]
    assert lengths == pytest.approx([padded + 0.1, padded + 0.3], abs=0.05)
    assert "a.wav (1 of 2)" in ran.err
    assert json.loads((tmp_path / "reports" / "a.json").read_text())["pipeline"] == "g.yaml"


def test_inputs_of_one_name_do_not_overwrite_one_another(tmp_path: Path) -> None:
    files = [str(tone(tmp_path / folder / "a.wav")) for folder in ("x", "y")]
    runs = find_runs(files, str(tmp_path / "out"), None, None)
    assert [Path(run.output or "").name for run in runs] == ["a.wav", "a-2.wav"]


@pytest.mark.parametrize(("option", "file"), [("--output", "o.wav"), ("--report", "r.json")])
def test_a_single_file_for_several_inputs_is_refused_with_its_mend(
    vflow: Vflow, tmp_path: Path, option: str, file: str
) -> None:
    words = ["--input", str(tone(tmp_path / "a.wav")), "--input", str(tone(tmp_path / "b.wav"))]
    ran = vflow("run", "g.yaml", *words, option, file, files={"g.yaml": COPY})
    assert ran.code == 2
    assert f"{option}: is a single file, and 2 inputs are given" in ran.err
    assert f"mend: name a folder: {option} {file[0]}/" in ran.err
    assert not (tmp_path / file).exists()


def test_a_folder_without_sound_is_refused(vflow: Vflow, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = vflow("run", "g.yaml", "--input", "empty", files={"g.yaml": COPY})
    assert (ran.code, "the folder holds no sound" in ran.err) == (2, True)


def test_an_output_over_a_later_input_is_refused(vflow: Vflow, tmp_path: Path) -> None:
    tone(tmp_path / "said" / "a.wav")
    ran = vflow("run", "g.yaml", "--input", "said", "--output", "said", files={"g.yaml": COPY})
    assert (ran.code, "would overwrite what the run reads" in ran.err) == (2, True)


def test_no_run_begins_where_one_of_them_cannot_be(vflow: Vflow, tmp_path: Path) -> None:
    words = ["--input", str(tone(tmp_path / "a.wav")), "--input", "gone.wav", "--fast", "--output", "out"]
    ran = vflow("run", "g.yaml", *words, files={"g.yaml": COPY})
    assert (ran.code, "no such file: gone.wav" in ran.err) == (2, True)
    assert list((tmp_path / "out").iterdir()) == []


class Stdin:
    """Standard input with bytes in it."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]  # it reads


def test_standard_input_is_an_input(vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(tone(tmp_path / "a.wav", 0.2).read_bytes()))
    ran = vflow("run", "g.yaml", "--input", "-", "--fast", "--output", "o.wav", files={"g.yaml": COPY})
    assert ran.code == 0, ran.err
    assert soundfile.info(tmp_path / "o.wav").duration == pytest.approx(2.2, abs=0.05)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "nothing came"), (b"rubbish" * 9, "standard-input.wav cannot be read as sound")],
)
def test_standard_input_without_sound_is_refused(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch, data: bytes, said: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(data))
    ran = vflow("run", "g.yaml", "--input", "-", "--output", "o.wav", files={"g.yaml": COPY})
    assert (ran.code, said in ran.err) == (2, True), ran.err


@pytest.mark.skipif("MP3" not in soundfile.available_formats(), reason="this libsndfile writes no mp3")
def test_an_output_named_mp3_is_one(vflow: Vflow, tmp_path: Path) -> None:
    words = ["--input", str(tone(tmp_path / "a.wav", 0.5)), "--fast", "--output", "o.mp3"]
    ran = vflow("run", "g.yaml", *words, files={"g.yaml": COPY})
    assert ran.code == 0, ran.err
    assert soundfile.info(tmp_path / "o.mp3").format == "MP3"
    samples, rate = soundfile.read(tmp_path / "o.mp3")
    spectrum = np.abs(np.fft.rfft(samples[: rate // 2]))
    assert spectrum.argmax() * 2 == pytest.approx(440, abs=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "g.yaml", "o.mp3"]


def test_a_format_that_is_not_written_here_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": "wav"})
    with pytest.raises(GraphError, match="mp3 is not written on this machine"):
        encoded(RunFiles(output=str(tmp_path / "o.mp3"))).__enter__()


@pytest.mark.parametrize("during", ["the run", "the encoding"])
def test_ctrl_c_before_the_output_is_encoded_leaves_the_recording_as_wav(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def run_and_encode() -> None:
        with encoded(RunFiles(output=str(tmp_path / "o.mp3"))) as run:
            tone(Path(run.recording or ""), 1)
            if during == "the run":
                interrupted()
            monkeypatch.setattr(soundfile.SoundFile, "blocks", interrupted)

    with pytest.raises(KeyboardInterrupt, match=r"interrupted; the recording is .*o\.mp3\.wav"):
        run_and_encode()
    assert [path.name for path in tmp_path.iterdir()] == ["o.mp3.wav"]
    assert soundfile.info(tmp_path / "o.mp3.wav").duration == 1


def test_an_output_of_a_format_that_nobody_writes_is_refused(vflow: Vflow, tmp_path: Path) -> None:
    words = ["--input", str(tone(tmp_path / "a.wav")), "--output", "o.m4a"]
    ran = vflow("run", "g.yaml", *words, files={"g.yaml": COPY})
    assert (ran.code, "name it o.wav" in ran.err) == (2, True)


def test_ctrl_c_in_one_of_several_runs_begins_no_other(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        tone(tmp_path / "said" / name, 60)
    (tmp_path / "g.yaml").write_text(COPY)
    words = ["-m", "vflow", "run", "g.yaml", "--input", "said", "--output", "heard"]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any("playing" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert [path.name for path in (tmp_path / "heard").iterdir()] == ["a.wav"]
