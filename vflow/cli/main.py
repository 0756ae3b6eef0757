"""The command `vflow`.

A verb's module is imported when the verb runs, after its options have been checked: it imports numpy and all
else that the verb needs. Until then, Ctrl-C ends the process at once (see `vflow.cli`).
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import NoReturn, TextIO

from vflow import __version__
from vflow.cli import INTERRUPTED as INTERRUPTED
from vflow.cli import catch_early, raise_again
from vflow.cli.arguments import parser_for
from vflow.cli.python_messages import PythonMessages
from vflow.printing import emit, escaped, write

OK, FAILED, USAGE = 0, 1, 2
LEAVE_S = 1.0
"""Longest wait, when leaving, for threads and exit handlers of others."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code: 0, 1 failed, 2 bad usage or graph, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = parser_for(words)
    args, unknown = parser.parse_known_args(words)
    if unknown:
        refuse: Callable[[str], NoReturn] = getattr(args, "refuse", parser.error)
        refuse(f"unrecognized arguments: {' '.join(unknown)}")
    if args.version:
        emit(f"vflow {__version__}")
        return OK
    if args.verb is None:
        parser.print_help()
        return USAGE
    try:
        with PythonMessages():
            verb = importlib.import_module(f"vflow.cli.{args.verb}")
            raise_again()
            code: int = verb.main(args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        write(str(error) or "interrupted", sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output has gone, as `head` does
        _mute(sys.stdout)
        return OK
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _mute(sys.stdout)
            write(f"error: the output cannot be written: {error.strerror}", sys.stderr)
        else:  # an error of a file or of the system that no verb handles itself
            write(f"error: {escaped(str(error))}", sys.stderr)
        return FAILED


def _mute(stream: TextIO) -> None:
    """Discard the buffered output, so that writing it at the exit cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def entry() -> NoReturn:
    """Run `main` and end the process, even if threads or exit handlers of nodes hang."""
    code = main()
    catch_early()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, AttributeError):  # closed, or none at all
            try:
                stream.flush()
            except OSError:  # its reader has gone: without this the interpreter exits with 120
                _mute(stream)
    if any(thread.name.startswith("vflow:") for thread in threading.enumerate()):
        os._exit(code)
    threading.Thread(target=_leave, args=(code,), daemon=True).start()
    sys.exit(code)


def _leave(code: int) -> None:
    """End the process if threads of an executor, or a library's exit handlers, hang."""
    time.sleep(LEAVE_S)
    os._exit(code)


if __name__ == "__main__":
    entry()
