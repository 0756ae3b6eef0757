"""test_tone: a sine of the frequency, level and length asked for."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import MS, SECOND, Audio, Harness, Unavailable
from vflow_nodes.test_tone import TestTone


def test_tone_is_the_sine_of_its_formula():
    with Harness(TestTone(frequency=997, level=-6, duration="2s", rate=48000)) as harness:
        made = np.concatenate([p.data for p in harness.produce()])[:, 0]
    wanted = 10 ** (-6 / 20) * np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)
    assert np.abs(made - wanted).max() < 1e-6


def test_rate_is_what_was_negotiated_else_16000():
    for caps, rate in (({"audio": Audio(24000, 1)}, 24000), ({}, 16000)):
        with Harness(TestTone(pace="free"), caps=caps) as harness:
            packets = list(harness.produce())
        assert {p.rate for p in packets} == {rate}
        assert sum(p.frames for p in packets) == rate
    assert TestTone(rate=8000).port_caps("audio") == Audio(8000, 1)


def test_clock_pace_delivers_a_frame_at_its_end():
    with Harness(TestTone(duration="100ms", frame="30ms")) as harness:
        seen = [(harness.now_ns(), p.pts_ns) for p in harness.produce()]
    assert seen == [(30 * MS, 0), (60 * MS, 30 * MS), (90 * MS, 60 * MS), (100 * MS, 90 * MS)]


def test_without_a_duration_it_goes_on():
    with Harness(TestTone(duration=None, frame="1s")) as harness:
        for packet, _ in zip(harness.produce(), range(100), strict=False):
            last = packet
    assert last.pts_ns == 99 * SECOND


def test_a_tone_above_half_the_rate_is_refused():
    with pytest.raises(Unavailable, match="needs a rate above 18000 Hz"):
        Harness(TestTone(frequency=9000)).__enter__()
