"""The C library keeps few pools of memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from vflow.web.memory import few_arenas
if sys.argv[1] == "few":
    assert few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p
libc.fclose.argtypes = (ctypes.c_void_p,)
together = threading.Barrier(16)
def work():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
out = libc.fdopen(1, b"w")
libc.malloc_info(0, out)
libc.fclose(out)
"""


def arenas(which: str, **environment: str) -> int:
    """Return how many pools there are after sixteen threads, side by side, took memory."""
    known = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, which], capture_output=True, check=True, env={**known, **environment}
    )
    return ran.stdout.count(b"<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's pools")
def test_many_threads_share_two_arenas() -> None:
    assert arenas("few") <= 2 < arenas("many")


def test_settle_exempts_loaded_objects_and_give_back_collects_the_rest() -> None:
    program = """
import gc, weakref
from vflow.web.memory import give_back, settle
gc.disable()
settle()
assert gc.get_freeze_count() > 1000
class Session:
    def __init__(self): self.me = self
kept = weakref.ref(Session())
assert kept() is not None
give_back()
assert kept() is None
"""
    subprocess.run([sys.executable, "-c", program], check=True)
