"""A server on loopback whose agent remembers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.live import Live
from tests.web.realtime.clerk import Clerk, agent


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    Clerk.met.clear()
    with agent(tmp_path) as preloaded, Live(preloaded) as server:
        yield server
