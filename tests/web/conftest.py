"""A server on loopback whose agent answers at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.live import Live, agent


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with agent(tmp_path, word_ms=40) as preloaded, Live(preloaded) as server:
        yield server
