"""Run a private PulseAudio with null sinks: `paplay` speaks into `vmic`, `parec` records `vspk`.

The server has a folder, a home and an environment of its own; vflow runs in a process of its own there.
Without PulseAudio these tests skip; in CI they fail instead.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S
from vflow import Samples
from vflow.models import cache_dir

RATE = 48000
"""Rate of the null sinks, and of recordings from them."""
TOOLS = ("pulseaudio", "pactl", "paplay", "parec")
ASOUNDRC = """
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.test_microphone { type pulse device vmicsrc }
pcm.test_loudspeaker { type pulse device vspk }
"""


class Server:
    """One PulseAudio, started by `with`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vflow-pulse-"))
        home = self.folder / "home"
        home.mkdir()
        (home / ".asoundrc").write_text(ASOUNDRC)
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
        }
        self.env = kept | {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self.folder),
            "PULSE_RUNTIME_PATH": str(self.folder),
            "PULSE_SERVER": f"unix:{self.folder}/native",
            "VFLOW_CACHE": str(cache_dir()),
        }
        self._awake: subprocess.Popen[bytes] | None = None
        self._runs: list[Vflow] = []

    def __enter__(self) -> Server:
        self.run("pulseaudio", "-n", "--daemonize=yes", "--exit-idle-time=-1", "--use-pid-file=yes",
                 "-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.folder}/native",
                 "-L", f"module-null-sink sink_name=vmic rate={RATE}",
                 "-L", f"module-null-sink sink_name=vspk rate={RATE}",
                 "-L", "module-remap-source source_name=vmicsrc master=vmic.monitor")  # fmt: skip
        self.run("pactl", "set-default-sink", "vspk")
        self.run("pactl", "set-default-source", "vmicsrc")
        # a null sink that nobody records renders 2 s at once; a real device does not
        self._awake = subprocess.Popen(
            ["parec", "-d", "vmic.monitor", "--latency-msec=10"], env=self.env, stdout=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *exc: object) -> None:
        for run in self._runs:
            run.close()
        if self._awake is not None:
            self._awake.kill()  # where its server was killed it spins, and ignores a SIGTERM
            self._awake.wait(PATIENCE_S)
        with contextlib.suppress(ProcessLookupError):  # a test has killed it
            ended = os.pidfd_open(int((self.folder / "pid").read_text()))
            with contextlib.suppress(ProcessLookupError):  # it is about to be gone
                signal.pidfd_send_signal(ended, signal.SIGTERM)
            select.select([ended], [], [], PATIENCE_S)
            os.close(ended)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str) -> str:
        """Run a command of PulseAudio to its end; return its output."""
        done = subprocess.run(
            command, env=self.env, check=False, text=True, capture_output=True, timeout=PATIENCE_S
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def say(self, file: Path) -> None:
        """Play a file into the microphone, to its end."""
        self.run("paplay", "-d", "vmic", str(file))

    @contextmanager
    def recording(self, file: Path) -> Iterator[Path]:
        """Record the loudspeaker inside the context: mono, 16 bit, `RATE`, raw."""
        command = [
            "parec",
            "-d",
            "vspk.monitor",
            "--latency-msec=10",
            "--format=s16le",
            "--channels=1",
            f"--rate={RATE}",
        ]
        with file.open("wb") as out, subprocess.Popen(command, env=self.env, stdout=out) as recorder:
            try:
                yield file
            finally:
                recorder.send_signal(signal.SIGINT)
                recorder.wait(PATIENCE_S)

    def unplug(self) -> None:
        """Unload both sinks: PulseAudio moves the streams of a missing one to one that is left."""
        self.run("pactl", "unload-module", "module-null-sink")

    def kill(self) -> None:
        """End the server as a crash does."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)

    def vflow(self, *words: str) -> Vflow:
        """Begin a vflow command that uses this server, and ends with it at the latest."""
        self._runs.append(Vflow([*words], self.env))
        return self._runs[-1]


class Vflow:
    """A running command; its output is read as it comes."""

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        command = [sys.executable, "-c", "from vflow.cli.main import entry; entry()", *words]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._more = threading.Condition()
        self._text = ""  # guarded by _more
        self._over = False  # guarded by _more
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            while data := os.read(pipe.fileno(), 4096):
                with self._more:
                    self._text += data.decode(errors="replace")
                    self._more.notify_all()
        with self._more:
            self._over = True
            self._more.notify_all()

    @property
    def text(self) -> str:
        """Its output so far."""
        with self._more:
            return self._text

    def wait_for(self, text: str, times: int = 1, after: str = "") -> None:
        """Wait until it has printed `text` this many times after `after`."""

        def come() -> bool:
            printed = self._text.partition(after)[2] if after else self._text
            return printed.count(text) >= times

        with self._more:
            found = self._more.wait_for(lambda: come() or self._over, 4 * PATIENCE_S)
            assert found, f"{text!r} did not come:\n{self._text}"
            assert come(), self._text

    def interrupt(self) -> int:
        """Send Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself; return the exit code."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it hangs:\n{self.text}") from None
        self._reader.join(PATIENCE_S)
        return code

    def close(self) -> None:
        """End it if a failed test has left it running: its process would disturb other tests."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)


def missing() -> str:
    """Return a text on what is missing here for these tests; '' if nothing is."""
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    if tools:
        return f"no {', '.join(tools)}: apt-get install pulseaudio pulseaudio-utils libasound2-plugins"
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        return "ALSA does not know PulseAudio: apt-get install libasound2-plugins"
    packages = [name for name in ("pyaudio", "sounddevice") if importlib.util.find_spec(name) is None]
    return f"no {', '.join(packages)}: pip install -e '.[audio,pyaudio]'" if packages else ""


@contextmanager
def started() -> Iterator[Server]:
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Server() as server:
        yield server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run a server for all tests that do not break it."""
    with started() as running:
        yield running


@pytest.fixture
def doomed() -> Iterator[Server]:
    """Run a server for one test."""
    with started() as running:
        yield running


def samples_of(raw: Path) -> Samples:
    """Read a recording of the loudspeaker, `(frames,) float32`."""
    return np.fromfile(raw, "<i2").astype(np.float32) / 32768
