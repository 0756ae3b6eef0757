"""A deadline for a call that may hang, such as a device's driver or other people's code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from vflow.errors import describe

T = TypeVar("T")


def call_within(deadline_s: float | None, call: Callable[[], T], name: str, thread: str = "") -> T:
    """Return the result of `call`, which runs in a thread of its own. If it hangs, that thread is left
    running. Any thread may call this. In the main thread Ctrl-C is heard meanwhile, even without a deadline
    (None).

    `name` names in the error what does not answer. The thread is named `vflow:thread`, or `vflow:name`: the
    command `vflow` exits without waiting for threads of such names.

    Raises: the errors of `call`, SystemExit and the like as RuntimeError; TimeoutError at the deadline.
    """
    made: list[T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            made.append(call())
        except Exception as error:
            raised.append(error)
        except BaseException as error:  # such a call must not end the process
            raised.append(RuntimeError(describe(error)))

    worker = threading.Thread(target=run, name=f"vflow:{thread or name}", daemon=True)
    worker.start()
    worker.join(deadline_s)
    if worker.is_alive():
        raise TimeoutError(f"{name} has not answered for {deadline_s:g} s")
    if raised:
        raise raised[0]
    return made[0]
