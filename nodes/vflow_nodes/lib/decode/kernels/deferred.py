"""The border to triton: whoever launches a kernel gets it here, and importing that module needs no triton."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace


@cache
def kernels() -> SimpleNamespace:
    """The modules of kernels by name. The first call loads triton, and decides whether it interprets them."""
    from vflow_nodes.lib.decode.kernels import attention, choosing, chunk, product, rowwise

    return SimpleNamespace(
        attention=attention, choosing=choosing, chunk=chunk, product=product, rowwise=rowwise
    )
