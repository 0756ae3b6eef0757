"""The command line. While its modules are being imported, Ctrl-C ends the command with one line, as later.

Python's own KeyboardInterrupt does not do: raised inside an import it may come out as another error.
"""

from __future__ import annotations

# not `signal`: it makes enums, which takes longer than everything imported before
import _signal  # type: ignore[import-not-found]  # it is C
import os
import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C has ended."""
_NAMES = ("vflow", "vflow.exe", "-m")
"""Values of `sys.argv[0]` in the command's own process; it is `-m` while Python looks for the module."""


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def catch_early() -> None:
    """Let Ctrl-C end the process until `raise_again`. Leave it alone if it is ignored, or has a handler."""
    name = sys.argv[0] if sys.argv else ""
    own = os.path.basename(name) in _NAMES or name.endswith(os.path.join("vflow", "__main__.py"))
    if own and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        try:
            _signal.signal(_signal.SIGINT, _leave)
        except ValueError:  # not in the main thread: this is no command
            return


def raise_again() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again."""
    if _signal.getsignal(_signal.SIGINT) is _leave:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


catch_early()
