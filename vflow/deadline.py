"""A deadline for a call that may hang, as a device's driver or somebody else's code may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from vflow.errors import describe

T = TypeVar("T")


def call_within(deadline_s: float | None, call: Callable[[], T], name: str, thread: str = "") -> T:
    """Return what `call` returns. It runs in a thread of its own, which is left behind where it hangs; any
    thread, and Ctrl-C is heard in the main one meanwhile, without a deadline (None) too.

    `name` says in the error who does not answer. The thread is named `vflow:thread`, or `vflow:name`: the
    command `vflow` leaves without waiting for a thread of such a name.

    Raises: what `call` raises, SystemExit and the like as RuntimeError; TimeoutError at the deadline.
    """
    made: list[T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            made.append(call())
        except Exception as error:
            raised.append(error)
        except BaseException as error:  # to end the process is not for such a call to say
            raised.append(RuntimeError(describe(error)))

    worker = threading.Thread(target=run, name=f"vflow:{thread or name}", daemon=True)
    worker.start()
    worker.join(deadline_s)
    if worker.is_alive():
        raise TimeoutError(f"{name} has not answered for {deadline_s:g} s")
    if raised:
        raise raised[0]
    return made[0]
