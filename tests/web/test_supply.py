"""The supply: loaded once, and again after a failure."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests import scripted_agent
from tests.web.live import agent
from vflow.errors import VflowError
from vflow.session.preloaded import Preloaded
from vflow.web.supply import Supply, serving_options


def test_graph_is_loaded_once_when_first_needed(tmp_path: Path) -> None:
    async def both() -> list[Preloaded]:
        supply = Supply(scripted_agent.graph(tmp_path), {**serving_options(), "nodes": scripted_agent.NODES})
        assert "not loaded" in supply.problem
        found = list(await asyncio.gather(supply.get(), supply.get()))
        assert supply.problem == ""
        await supply.close()
        return found

    first, second = asyncio.run(both())
    assert first is second
    with pytest.raises(VflowError, match="closed"):
        first.take()


def test_a_failure_is_told_and_the_next_call_tries_again(tmp_path: Path) -> None:
    async def twice() -> None:
        options: dict[str, Any] = {**serving_options(), "nodes": {}}
        supply = Supply(scripted_agent.graph(tmp_path), options)
        with pytest.raises(VflowError):
            await supply.get()
        assert "t.answer" in supply.problem
        options["nodes"] = scripted_agent.NODES
        await supply.get()
        assert supply.problem == ""
        await supply.close()

    asyncio.run(twice())


def test_an_agent_that_is_given_stays_open(tmp_path: Path) -> None:
    async def use(preloaded: Preloaded) -> None:
        supply = Supply(preloaded)
        assert supply.drawing is None
        assert await supply.get() is preloaded
        first = supply.drawing
        assert first is not None
        assert {box["name"] for box in first["boxes"]} == set(preloaded.graph.nodes)
        await supply.get()
        assert supply.drawing is first
        await supply.close()

    with agent(tmp_path) as preloaded:
        asyncio.run(use(preloaded))
        preloaded.take().stop()
