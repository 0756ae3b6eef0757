"""ALSA's messages, in a process of its own: what it prints goes to the file descriptor."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys

import pytest

SPEAK = """
import ctypes, sys
from vflow_nodes.lib.portaudio.alsa import be_quiet
if sys.argv[1] == "quiet":
    be_quiet()
ctypes.CDLL("libasound.so.2").snd_pcm_open(ctypes.byref(ctypes.c_void_p()), b"no such device", 0, 0)
"""


@pytest.mark.parametrize(("how", "says"), [("loud", True), ("quiet", False)])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ALSA is Linux's")
def test_quiet_alsa_prints_nothing(how: str, says: bool) -> None:
    if ctypes.util.find_library("asound") is None:
        says = False
    done = subprocess.run([sys.executable, "-c", SPEAK, how], capture_output=True, text=True, timeout=60)
    assert ("ALSA lib" in done.stderr) == says
