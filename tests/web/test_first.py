"""Tasks that end together."""

from __future__ import annotations

import asyncio

import pytest

from vflow.web.first import first


def test_the_first_that_ends_ends_all_and_its_error_is_raised() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        raise ValueError("mine")

    async def both() -> None:
        with pytest.raises(ValueError, match="mine"):
            await first(waits(), fails())

    asyncio.run(both())
    assert ended == ["waits"]
