"""The command line. While its modules are imported, Ctrl-C ends the command by one line, as it does later.

A KeyboardInterrupt that is raised in the midst of an import may come out of it as an error of another kind.
"""

from __future__ import annotations

# `signal` makes enums of it, which take longer than all that was imported before
import _signal  # type: ignore[import-not-found]  # it is C
import os
import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C has ended."""
_NAMES = ("vflow", "vflow.exe", "-m")
"""Names of a process that is the command: `-m` while Python looks for the module that it is to run."""


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def catch_early() -> None:
    """Have Ctrl-C end the process, until `raise_again`; not where it is ignored, or somebody's already."""
    name = sys.argv[0] if sys.argv else ""
    own = os.path.basename(name) in _NAMES or name.endswith(os.path.join("vflow", "__main__.py"))
    if own and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        try:
            _signal.signal(_signal.SIGINT, _leave)
        except ValueError:  # not in the main thread: this is no command
            return


def raise_again() -> None:
    """Have Ctrl-C raise KeyboardInterrupt again."""
    if _signal.getsignal(_signal.SIGINT) is _leave:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


catch_early()
