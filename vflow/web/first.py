"""Run tasks that end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first(*tasks: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, then cancel the others. Raises: the error of the one that ended; if several
    did at once, that of the first in the order given."""
    running = [asyncio.ensure_future(task) for task in tasks]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for task in running:
        if task in done:
            task.result()
