"""A run to watch: the scripted agent, which is asked by text, with properties that may be changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import scripted_agent
from tests.web.serving import NODES
from vflow.live.feed import Feed
from vflow.session.session import Session


@pytest.fixture
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    """Its loudspeaker is an application's, so that nothing is heard; nobody reads its events. The parameter
    is how long a word lasts, in ms."""
    file = scripted_agent.graph(tmp_path, every="1ms", word_ms=getattr(request, "param", 20))
    with Session(file, nodes=NODES) as running:
        yield running


LONG = pytest.mark.parametrize("session", [2_000], indirect=True, ids=["long"])
"""For a test that interrupts: the reply is still going on then."""


@pytest.fixture
def feed(session: Session) -> Feed:
    return Feed(session.pipeline, session.log)
