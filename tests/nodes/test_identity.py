"""identity: whatever comes goes on, and is never copied."""

from __future__ import annotations

from tests.nodes.everything import through
from vflow_nodes.identity import Identity


def test_every_packet_and_event_passes_uncopied() -> None:
    came, went = through(Identity())
    assert len(came) == 4
    assert all(a is b for a, b in zip(came, went, strict=True))


def test_identity_has_no_effect() -> None:
    assert not Identity.effect
