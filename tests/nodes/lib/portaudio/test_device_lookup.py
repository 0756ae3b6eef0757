"""Devices by name and index, what is said where there is none, and the rate that is settled on."""

from __future__ import annotations

import pytest

from tests.device_stand_in import HEADSET, MONITOR, SERVER, StandIn
from vflow import Unavailable
from vflow_nodes.lib.portaudio.backend import PORTAUDIO, Device, DeviceError, Format
from vflow_nodes.lib.portaudio.device_lookup import devices_of, find, listing, problem, settle

ALL = [HEADSET, MONITOR, SERVER]


@pytest.mark.parametrize("wanted", [3, "3", "Headset: USB Audio (hw:1,0)", "headset", "usb audio", None])
def test_a_device_is_found_by_index_name_and_part_of_its_name(wanted: int | str | None) -> None:
    assert find(ALL, "input", wanted) is HEADSET


def test_a_whole_name_is_not_taken_for_part_of_another() -> None:
    longer = Device(8, "pulse monitor", "ALSA", 2, 2, 48000)
    assert find([longer, SERVER], "output", "pulse") is SERVER


def test_first_able_device_is_used_without_a_default() -> None:
    assert find([MONITOR, SERVER], "input", None) is SERVER


def test_wrong_name_is_refused_with_a_list_of_devices_nearest_first() -> None:
    with pytest.raises(Unavailable) as caught:
        find(ALL, "output", "pluse")
    assert str(caught.value) == (
        "no audio output device 'pluse'; there is: 7 'pulse', 3 'Headset: USB Audio (hw:1,0)',"
        " 5 'HDMI: Monitor (hw:0,3)'"
    )


def test_device_of_the_other_direction_is_not_found() -> None:
    with pytest.raises(Unavailable, match="no audio input device '5'; there is: "):
        find(ALL, "input", 5)


def test_part_of_several_names_is_refused_with_a_list_of_them() -> None:
    with pytest.raises(Unavailable, match=r"2 audio output devices are named like 'hw'.*3 'Head.*5 'HDMI"):
        find(ALL, "output", "hw")


def test_without_any_device_the_mend_is_to_plug_one_in() -> None:
    assert "plug in a microphone" in problem(StandIn(MONITOR), "input")
    assert problem(StandIn(MONITOR), "output") == ""
    with pytest.raises(Unavailable, match="start the sound server"):
        find([], "output", None)


def test_a_binding_that_is_missing_or_does_not_start_says_so() -> None:
    backend = StandIn()
    backend.absent = "not installed; install it"
    assert problem(backend, "input") == "not installed; install it"

    class Broken(StandIn):
        def devices(self) -> list[Device]:
            raise DeviceError("Internal error")

    with pytest.raises(Unavailable, match="PortAudio does not start: Internal error"):
        devices_of(Broken())


def test_a_call_that_hangs_is_not_waited_for_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow_nodes.lib.portaudio.backend.portaudio.__wrapped__.__defaults__", (0.0,))
    with PORTAUDIO, pytest.raises(Unavailable, match="an earlier call of PortAudio hangs"):
        devices_of(StandIn(SERVER))


def test_the_listing_has_a_line_for_each_device_and_marks_the_default() -> None:
    assert list(listing(StandIn(*ALL), "output")) == [
        "  3  Headset: USB Audio (hw:1,0)  2 channels, 48000 Hz, ALSA, the default",
        "  5  HDMI: Monitor (hw:0,3)       8 channels, 44100 Hz, ALSA",
        "  7  pulse                        32 channels, 44100 Hz, ALSA",
    ]


def test_the_first_rate_that_a_device_takes_is_used_and_a_refusal_told() -> None:
    backend = StandIn(HEADSET)
    assert settle(backend, HEADSET, None, [16000], 0.04)[0].rate == 16000
    backend.refusal = lambda format: "" if format.rate == 48000 else "Invalid sample rate"
    found, refusal = settle(backend, HEADSET, None, [16000], 0.04)
    assert (found.rate, refusal) == (48000, "Invalid sample rate")


def test_a_device_without_mono_is_opened_in_stereo() -> None:
    def stereo_only(format: Format) -> str:
        assert format.output is not None
        return "" if format.output.channels == 2 else "Invalid number of channels"

    backend = StandIn(HEADSET)
    backend.refusal = stereo_only
    found, refusal = settle(backend, None, HEADSET, [24000], 0.04)
    assert (found.rate, found.output.channels, refusal) == (24000, 2, "")


def test_a_device_that_takes_no_rate_may_be_held_by_another_program() -> None:
    backend = StandIn(HEADSET)
    backend.refusal = lambda format: "Device unavailable"
    with pytest.raises(Unavailable, match=r"16000 Hz nor at 48000 Hz.*Device unavailable.*another program"):
        settle(backend, HEADSET, None, [16000], 0.04)
