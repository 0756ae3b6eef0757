"""Tasks that end together."""

from __future__ import annotations

import asyncio

import pytest

from vflow.web.tasks import first_of


def test_the_first_that_ends_ends_all_and_what_it_raises_is_raised() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        asyncio.run(first_of(waits(), fails()))
    assert ended == ["waits"]
