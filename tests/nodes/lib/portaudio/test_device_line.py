"""A microphone and a loudspeaker that name the same device share its stream."""

from __future__ import annotations

import numpy as np
import pytest

from tests.device_stand_in import HEADSET, SERVER, DeviceError, StandIn, mic, speaker
from vflow import MS, Harness, Unavailable
from vflow_nodes.lib.portaudio import stream
from vflow_nodes.lib.portaudio.backend import Format


def pair(backend: StandIn) -> tuple[Harness, Harness]:
    """Return a microphone at 16 kHz and a loudspeaker at 24 kHz of one pipeline."""
    one, other = mic(backend), speaker(backend, rate=24000)
    other.conversation = one.conversation
    return one, other


def both(format: Format) -> bool:
    return format.input is not None and format.output is not None


def test_one_device_has_one_stream_at_the_higher_rate() -> None:
    backend = StandIn(HEADSET)
    one, other = pair(backend)
    with one, other:
        assert both(backend.stream.format)
        assert backend.stream.format.rate == 24000
        assert one.node._line is other.node._line
        assert one.node._line.duplex
        assert backend.streams[0].state == "closed"  # the microphone's own, from before both had met
        assert backend.stream.state == "started"


def test_a_duplex_stream_serves_both_and_ends_with_the_last() -> None:
    backend = StandIn(HEADSET)
    one, other = pair(backend)
    with other:
        with one:
            one.time_ns = other.time_ns = 10**9
            one.node._listening = True
            out = backend.stream.call(np.ones(240, np.float32), age_s=0.01)
            assert out is not None
            assert len(out) == 240
            assert one.node._ring.get() is not None
        assert backend.stream.state == "started"
    assert backend.stream.state == "closed"


def test_a_duplex_stream_has_one_clock_for_what_is_recorded_and_what_sounds() -> None:
    backend = StandIn(HEADSET)
    one, other = pair(backend)
    with one, other:
        for _ in range(60):  # pipeline time stands still: nothing is known of the clock yet
            backend.stream.call(np.zeros(240, np.float32), age_s=0.015, sounds_s=0.03)
        one.node._listening = True
        for _ in range(300):
            one.time_ns = other.time_ns = one.time_ns + 10 * MS
            backend.stream.call(np.zeros(240, np.float32), age_s=0.015, sounds_s=0.03)
        while (found := one.node._ring.get()) is not None:
            block = found[0]
        assert block.end_ns == pytest.approx(one.time_ns - 5 * MS, abs=MS / 10)
        assert other.node._head.at_ns == pytest.approx(other.time_ns + 30 * MS, abs=MS / 10)
        assert one.node._line.ppm("input") == other.node._line.ppm("output") == pytest.approx(0, abs=1)


def test_two_pipelines_share_no_stream() -> None:
    backend = StandIn(HEADSET)
    with mic(backend), speaker(backend):
        assert not any(both(s.format) for s in backend.streams)
        assert len(backend.streams) == 2


def test_behind_a_sound_server_each_has_a_stream_of_its_own() -> None:
    backend = StandIn(SERVER)
    one, other = pair(backend)
    with one, other:
        assert [(s.format.rate, both(s.format)) for s in backend.streams] == [(16000, False), (24000, False)]


def test_a_duplex_stream_that_does_not_begin_is_replaced_by_two_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "READY_S", 0.01)
    backend = StandIn(HEADSET)
    backend.mute = both
    one, other = pair(backend)
    with one, other:
        assert [m.text[:50] for m in other.messages] == ["microphone and loudspeaker get a stream each, one "]
        running = [s for s in backend.streams if s.state == "started"]
        assert [both(s.format) for s in running] == [False, False]


def test_two_microphones_on_one_device_have_a_stream_each() -> None:
    backend = StandIn(HEADSET)
    one, other = mic(backend), mic(backend)
    other.conversation = one.conversation
    with one, other:
        assert [s.state for s in backend.streams] == ["started", "started"]
    assert [s.state for s in backend.streams] == ["closed", "closed"]


def test_a_device_that_another_program_holds_is_named_with_the_mend() -> None:
    def taken(format: Format) -> None:
        raise DeviceError("Device unavailable")

    backend = StandIn(HEADSET)
    backend.opening = taken
    with pytest.raises(Unavailable, match=r"Headset.*cannot be opened: Device unavailable.*another program"):
        mic(backend).__enter__()
    assert backend.streams == []


def test_a_shared_stream_that_ended_before_the_other_starts_is_opened_anew() -> None:
    backend = StandIn(HEADSET)
    one, other = pair(backend)
    one.node.open()
    other.node.open()
    one.node.warm_up()
    backend.stream.ended()
    other.node.warm_up()
    assert [(s.state, both(s.format)) for s in backend.streams] == [("closed", True), ("started", True)]
    for harness in (other, one):
        harness.__exit__()


def test_a_stream_that_ended_is_opened_anew_when_its_node_starts_again() -> None:
    backend = StandIn(SERVER)
    with mic(backend) as harness:
        backend.stream.ended()
        harness.node.close()
        harness.node.open()
        harness.node.warm_up()
        assert [s.state for s in backend.streams] == ["closed", "started"]
