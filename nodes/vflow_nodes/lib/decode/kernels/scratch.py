"""Memory shared by one kernel's programs: tickets, which tell the last program to join the parts."""

from __future__ import annotations

import threading

import torch

TICKETS = 1 << 16

_own = threading.local()


def tickets(device: torch.device, count: int) -> torch.Tensor:
    """Return at least `count` int32 counters that are 0 between kernels: the program with the last ticket
    resets them.

    They belong to the calling thread, which must launch its kernels and replay its graphs on one stream at a
    time: kernels that run side by side would take one another's tickets.

    Raises: RuntimeError: `count` is more than there are; or this is the thread's first call while a graph is
    being captured, whose replays would then own the counters.
    """
    if count > TICKETS:
        raise RuntimeError(f"decode kernels: one launch has {count} tiles, of at most {TICKETS}; split less")
    held: dict[torch.device, torch.Tensor] = _own.__dict__.setdefault("tickets", {})
    if device not in held:
        if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
            raise RuntimeError(
                "decode kernels: a thread's first call is in a graph's capture; call once before it"
            )
        held[device] = torch.zeros(TICKETS, dtype=torch.int32, device=device)
    return held[device]
