"""Run an agent to watch: the scripted one, asked by text, with properties that may be changed."""

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
    """Start the agent. Its loudspeaker is an application's, so that it is silent; nobody reads its events.
    The parameter is the length of a word in ms."""
    file = scripted_agent.graph(tmp_path, every="1ms", word_ms=getattr(request, "param", 20))
    with Session(file, nodes=NODES) as running:
        yield running


LONG = pytest.mark.parametrize("session", [2_000], indirect=True, ids=["long"])
"""For tests that interrupt: the reply is long enough to be still going on."""


@pytest.fixture
def feed(session: Session) -> Feed:
    return Feed(session.pipeline, session.log)
