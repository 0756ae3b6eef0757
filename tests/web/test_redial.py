"""A client whose connection is lost, and which comes back by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tests import scripted_agent
from tests.web.cutting import Cutting, budgets
from tests.web.live import Live
from tests.web.test_caller import called


def test_a_reply_is_recorded_whole_although_the_network_is_cut(live: Live, tmp_path: Path) -> None:
    with Cutting(live.port, budgets(seed=3, cuts=4)) as network:
        told, reply = called(live, tmp_path, port=network.port)
        assert network.cuts == 4
    (turn,) = [message for message in told if message["type"] == "turn_ended"]
    assert turn["heard"] == scripted_agent.REPLY
    words = len(scripted_agent.REPLY.split())
    samples, rate = soundfile.read(reply, dtype="int16")
    frames = 40 * rate // 1000
    wanted = np.tile((0.2 * np.sin(np.arange(frames) * 0.1) * 32767).astype(np.int16), words)
    wanted, samples = wanted[np.abs(wanted) > 2], samples[np.abs(samples) > 2]
    assert len(samples) == len(wanted)
    assert np.abs(samples.astype(int) - wanted).max() <= 1
    assert live.roster.served == 1
