"""The border to triton: code that launches a kernel gets it here. Importing this module needs no triton."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace


@cache
def kernels() -> SimpleNamespace:
    """Return the modules of kernels by name. The first call loads triton, and fixes whether it interprets."""
    from vflow_nodes.lib.decode.kernels import attention, choosing, chunk, product, rowwise

    return SimpleNamespace(
        attention=attention, choosing=choosing, chunk=chunk, product=product, rowwise=rowwise
    )
