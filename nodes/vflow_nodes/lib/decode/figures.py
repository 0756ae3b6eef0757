"""Figures of an engine: what it has done, and who waits for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from vflow_nodes.lib.decode.scheduler import Slot
from vflow_nodes.lib.decode.task import Counters, Task


def work(counters: Counters, slots: Sequence[Slot]) -> dict[str, Any]:
    """Return counts of the work done, and how many slots are in use."""
    counts = {name: getattr(counters, name) for name in Counters.__slots__}
    return {"slots": len(slots), "busy": sum(slot.job is not None for slot in slots), **counts}


def queue(tasks: Sequence[Task], counters: Counters, slots: Sequence[Slot]) -> dict[str, float]:
    """Return how many requests wait to be begun, for how long the first of them has, both of all that wait no
    more, and how many slots are in use."""
    now_s = time.monotonic()
    waiting = [now_s - task.asked_s for task in tasks if not task.begun]
    return {
        "waiting": len(waiting),
        "oldest_s": max(waiting, default=0.0),
        "waits": counters.waits,
        "waited_s": counters.waited_s,
        "slots": len(slots),
        "busy": sum(slot.job is not None for slot in slots),
    }
