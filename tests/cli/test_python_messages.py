"""Messages of Python's own: as text, in a line of ours, without what the environment gave."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from vflow.cli.python_messages import PythonMessages

EVIL = "\x1b[2J hunter2"


@pytest.fixture(autouse=True)
def pythons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the hooks that Python has outside of pytest."""
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)


def hide(text: str) -> str:
    return text.replace("hunter2", "${KEY}")


def in_thread() -> None:
    def fail() -> None:
        raise OSError(EVIL)

    thread = threading.Thread(target=fail, name="reader")
    thread.start()
    thread.join()


def in_cleanup() -> None:
    class Deleted:
        def __del__(self) -> None:
            raise OSError(EVIL)

    Deleted()


def as_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(EVIL, stacklevel=1)


def as_record() -> None:
    logging.getLogger("somebody").propagate = False
    logging.getLogger("somebody").warning("%s\nyou: x", EVIL)


@pytest.mark.parametrize(
    ("say", "shown"),
    [
        (in_thread, r"warning: reader ended by OSError: \x1b[2J ${KEY} ("),
        (in_cleanup, r": OSError: \x1b[2J ${KEY} ("),
        (as_warning, r"warning: UserWarning: \x1b[2J ${KEY} ("),
        (as_record, "warning: somebody: \\x1b[2J ${KEY}\n  you: x\n"),
    ],
)
def test_a_message_of_others_is_a_line_of_ours(
    capsys: pytest.CaptureFixture[str], say: Callable[[], None], shown: str
) -> None:
    with PythonMessages(), PythonMessages(hide):
        say()
    err = capsys.readouterr().err
    assert shown in err
    assert "\x1b" not in err
    assert "Traceback" not in err
    assert err.startswith("warning: ")


def test_hooks_of_others_stay_and_all_are_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    own: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", own.append)
    before = threading.excepthook, sys.unraisablehook, warnings.showwarning, logging.lastResort
    with PythonMessages(), PythonMessages():
        in_thread()
    assert len(own) == 1
    assert before == (threading.excepthook, sys.unraisablehook, warnings.showwarning, logging.lastResort)
