"""The reference of an echo canceller: laid out by time, followed through drift, bounded."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import MS
from vflow_nodes.lib.echo_reference import EchoReference

RATE = 16_000


def test_the_reference_is_silent_where_nothing_was_played() -> None:
    reference = EchoReference(RATE, lead_ns=0)
    reference.write(np.full(160, 0.5, np.float32), 0)
    reference.write(np.full(160, 0.25, np.float32), 40 * MS)
    read = [int(reference.read(ms * MS)[0]) for ms in (0, 10, 20, 30, 40, 50)]
    assert read == [1 << 14, 0, 0, 0, 1 << 13, 0]


def test_drift_and_jitter_are_followed_by_a_sample_at_a_time() -> None:
    reference = EchoReference(RATE, lead_ns=100 * MS)
    ramp = np.arange(16_000, dtype=np.float32) / 32768
    jitter = np.random.default_rng(0).integers(-4 * MS, 4 * MS, 100)
    for n in range(100):
        reference.write(ramp[n * 160 : (n + 1) * 160], 200 * MS + n * 10 * MS + int(jitter[n]))
    read = np.concatenate([reference.read(100 * MS + n * 10 * MS + n * 1000) for n in range(90)])
    steps = np.diff(read[200:].astype(int))
    assert set(steps) <= {0, 1, 2}
    assert np.mean(steps) == pytest.approx(1, abs=0.01)


def test_a_reference_that_nobody_reads_is_bounded() -> None:
    reference = EchoReference(RATE, lead_ns=40 * MS)
    for n in range(2000):
        reference.write(np.ones(160, np.float32), n * 10 * MS)
    assert sum(len(samples) for _, samples in reference._blocks) <= 4 * RATE + 160
