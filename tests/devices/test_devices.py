"""Microphone and loudspeaker over a real PulseAudio: what is said is recorded, what is played is heard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.pipelines.conftest import QUESTION
from tests.pipelines.conftest import transcribe as transcribe
from vflow import Samples

from .conftest import RATE, Server, samples_of

BACKENDS = ("pyaudio", "sounddevice")
Hear = Callable[[Samples, int], str]


def index_of(listing: str, name: str) -> str:
    """Return the index with which a device is listed."""
    found = re.search(rf"^ *(\d+)  {name} ", listing, re.MULTILINE)
    assert found is not None, listing
    return found[1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("node", ["mic", "speaker"])
def test_devices_are_listed_with_index_channels_rate_and_the_default(
    server: Server, backend: str, node: str
) -> None:
    run = server.vflow("inspect", f"{node}.{backend}")
    assert run.wait() == 0
    assert "devices:" in run.text
    assert re.search(r"^ +\d+  default +\d+ channels, \d+ Hz, ALSA, the default$", run.text, re.MULTILINE)
    assert "test_microphone" in run.text


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("by", ["name", "index"])
def test_microphone_records_speech_and_speaker_plays_audio(
    server: Server, backend: str, by: str, tmp_path: Path, transcribe: Hear
) -> None:
    names = {"mic": "test_microphone", "speaker": "test_loudspeaker"}
    if by == "index":
        for node, name in names.items():
            listing = server.vflow("inspect", f"{node}.{backend}")
            assert listing.wait() == 0
            names[node] = index_of(listing.text, name)
    (tmp_path / "g.yaml").write_text(f"""vflow: 1
nodes:
  file: {{use: wav_source, file: {QUESTION}}}
  speaker: {{use: speaker.{backend}, device: {names["speaker"]}, latency: 100ms}}
  mic: {{use: mic.{backend}, device: {names["mic"]}, echo_cancellation: off}}
  tape: {{use: wav_sink, file: {tmp_path / "mic.wav"}}}
links: [file -> speaker, mic -> tape]
""")
    with server.recording(tmp_path / "speaker.raw") as recording:
        run = server.vflow("run", str(tmp_path / "g.yaml"))
        run.wait_for("playing")
        server.say(QUESTION)
        assert run.interrupt() == 130, run.text
    # by ear, and not by sample: a busy machine lets the server drop some ms on its own
    assert "capital of France" in transcribe(samples_of(recording), RATE)
    assert "capital of France" in transcribe(*soundfile.read(tmp_path / "mic.wav", dtype="float32"))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("end", [Server.unplug, Server.kill], ids=["unplugged", "server killed"])
def test_a_device_that_goes_ends_the_run_with_an_error(
    doomed: Server, backend: str, end: Callable[[Server], None], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    (tmp_path / "g.yaml").write_text(f"""vflow: 1
nodes:
  mic: {{use: mic.{backend}}}
  speaker: {{use: speaker.{backend}}}
links: [mic -> speaker]
""")
    run = doomed.vflow("run", str(tmp_path / "g.yaml"), "--report", str(report))
    run.wait_for("playing")
    end(doomed)
    assert run.wait() == 1, run.text
    assert re.search(r"(mic|speaker): default (has ended its stream|has been silent for)", run.text), run.text
    assert json.loads(report.read_text())["turns"] == []


def test_a_device_that_is_not_there_is_refused_with_those_that_are(server: Server, tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text("""vflow: 1
nodes:
  mic: {use: mic.pyaudio, device: test_microfone}
  out: {use: null}
links: [mic -> out]
""")
    run = server.vflow("run", str(tmp_path / "g.yaml"))
    assert run.wait() == 2
    assert re.search(r"no audio input device 'test_microfone'; there is: \d+ 'test_microphone', ", run.text)


def test_without_a_server_there_is_an_error_and_no_hang(doomed: Server, tmp_path: Path) -> None:
    doomed.kill()
    (tmp_path / "g.yaml").write_text("""vflow: 1
nodes:
  mic: {use: mic.sounddevice}
  out: {use: null}
links: [mic -> out]
""")
    run = doomed.vflow("run", str(tmp_path / "g.yaml"))
    assert run.wait() == 2
    assert "there is no audio input device" in run.text or "cannot be opened" in run.text
