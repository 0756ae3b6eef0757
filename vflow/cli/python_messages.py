"""Show messages that Python prints about others' code: warnings, log records, errors in threads and
`__del__`.

A library or a node chooses their texts. They are escaped like all of vflow's output, so none can command the
terminal.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

from vflow.errors import describe
from vflow.printing import indented, write


class PythonMessages:
    """Inside the context, such messages go to stderr, each after "warning:" and with `hide` applied.

    Any thread may cause one. Hooks that others have set stay. Contexts may be nested; the innermost decides.
    """

    def __init__(self, hide: Callable[[str], str] = str) -> None:
        self._hide = hide
        self._before: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        self._take(threading, "excepthook", threading.__excepthook__, self._of_thread)
        self._take(sys, "unraisablehook", sys.__unraisablehook__, self._of_cleanup)
        self._take(warnings, "showwarning", warnings.showwarning, self._of_warning)
        handler = _Records(self._print)
        if logging.lastResort is not None:
            self._take(logging, "lastResort", logging.lastResort, handler)
        return self

    def __exit__(self, *exc: object) -> None:
        while self._before:
            module, name, hook = self._before.pop()
            setattr(module, name, hook)

    def _take(self, module: Any, name: str, pythons: object, ours: object) -> None:
        hook = getattr(module, name)
        if hook is pythons or isinstance(getattr(hook, "__self__", None), PythonMessages):
            self._before.append((module, name, hook))
            setattr(module, name, ours)

    def _print(self, text: str) -> None:
        write(f"warning: {indented(self._hide(text))}", sys.stderr)

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or isinstance(args.exc_value, SystemExit):  # Python ignores these too
            return
        name = args.thread.name if args.thread is not None else "a thread"
        self._print(f"{name} ended by {describe(args.exc_value)}{_where(args.exc_traceback)}")

    def _of_cleanup(self, args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            said = args.err_msg or "while an object was deleted"
            self._print(f"{said}: {describe(args.exc_value)}{_where(args.exc_traceback)}")

    def _of_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = f"{category.__name__}: {message} ({filename}:{lineno})"
        if file is None:
            self._print(text)
        else:
            write(text, file)


class _Records(logging.Handler):
    """Prints the records of loggers without a handler."""

    def __init__(self, print_text: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._print_text = print_text

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception as error:  # the text does not fit its arguments
            text = f"{record.msg} ({describe(error)})"
        self._print_text(f"{record.name}: {text}")


def _where(trace: TracebackType | None) -> str:
    """Return the line of Python that raised."""
    frames = traceback.extract_tb(trace, limit=-1)
    return f" ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
