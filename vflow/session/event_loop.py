"""Call functions that block from an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable


async def in_thread(call: Callable[[], object]) -> None:
    """Run a call that blocks, in a thread of its own: the loop's executor has only a few. Raises: what the
    call raises."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        try:
            call()
        except BaseException as error:
            tell(error)
        else:
            tell(None)

    def tell(error: BaseException | None) -> None:
        def settle() -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(settle)

    threading.Thread(target=run, name="vflow:session", daemon=True).start()
    await done
