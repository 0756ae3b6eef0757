"""Find the device that a property means, and the rate at which it runs; list the devices."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from vflow import Unavailable, call_within
from vflow_nodes.lib.portaudio.backend import (
    Backend,
    Device,
    DeviceError,
    Direction,
    End,
    Format,
    portaudio,
)

T = TypeVar("T")
ANSWER_S = 10.0
"""The longest wait for PortAudio to list its devices, or to check a rate."""
_NOUN = {"input": "microphone", "output": "loudspeaker"}


def devices_of(backend: Backend) -> list[Device]:
    """Return all devices of a binding. Raises: Unavailable."""
    if reason := backend.missing():
        raise Unavailable(reason)
    try:
        return _asked(backend.devices)
    except (DeviceError, TimeoutError) as error:
        raise Unavailable(f"PortAudio does not start: {error}; is the sound system well?") from error


def _asked(question: Callable[[], T]) -> T:
    """Ask PortAudio, with a deadline. Raises: DeviceError, TimeoutError."""

    def ask() -> T:
        with portaudio():
            return question()

    return call_within(ANSWER_S, ask, "PortAudio", "portaudio:ask")


def problem(backend: Backend, direction: Direction) -> str:
    """Return why this machine cannot record or play, with what mends it; '' if it can."""
    try:
        found = [device for device in devices_of(backend) if device.channels(direction)]
    except Unavailable as error:
        return str(error)
    return "" if found else _none(direction)


def find(devices: Iterable[Device], direction: Direction, wanted: int | str | None) -> Device:
    """Return the device with an index, a name, or a part of a name (case does not matter); None: the default.

    Raises: Unavailable if there is none, or if several names contain the part.
    """
    able = [device for device in devices if device.channels(direction)]
    if not able:
        raise Unavailable(_none(direction))
    if wanted is None:
        return next((device for device in able if device.is_default(direction)), able[0])
    text = str(wanted)
    if text.isdecimal():
        found = [device for device in able if device.index == int(text)]
    else:
        found = [device for device in able if device.name == text]
        found = found or [device for device in able if text.lower() in device.name.lower()]
    if len(found) > 1:  # a device is listed once per host API: take that of the default
        apis = {device.api for device in able if device.is_default(direction)}
        found = [device for device in found if device.api in apis] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise Unavailable(
            f"{len(found)} audio {direction} devices are named like {text!r}: {_list(found)};"
            " give the index, or more of the name"
        )
    names = [device.name for device in able]
    near = difflib.get_close_matches(text, names, n=len(names), cutoff=0)
    able.sort(key=lambda device: near.index(device.name))
    raise Unavailable(f"no audio {direction} device {text!r}; there is: {_list(able)}")


def listing(backend: Backend, direction: Direction) -> Iterator[str]:
    """Yield a line for each device, as `vflow inspect` prints them. Raises: Unavailable."""
    able = [device for device in devices_of(backend) if device.channels(direction)]
    width = max((len(device.name) for device in able), default=0)
    for device in able:
        channels = device.channels(direction)
        default = ", the default" if device.is_default(direction) else ""
        yield (
            f"{device.index:>3}  {device.name:<{width}}  {channels} channel{'s' * (channels > 1)},"
            f" {device.rate} Hz, {device.api}{default}"
        )


def settle(
    backend: Backend, input: Device | None, output: Device | None, rates: list[int], latency_s: float
) -> tuple[Format, str]:
    """Return a stream that the devices accept, at the first rate that they take, else at their own; and why
    they refused the first rate, '' if they did not. Raises: Unavailable."""
    refusal = ""
    devices = [device for device in (input, output) if device is not None]
    names = " and ".join(dict.fromkeys(device.name for device in devices))
    for rate in dict.fromkeys([*rates, *(device.rate for device in devices)]):
        for channels in (1, 2):
            format = Format(
                rate,
                0,
                latency_s,
                None if input is None else End(input.index, min(channels, input.inputs)),
                None if output is None else End(output.index, min(channels, output.outputs)),
            )
            try:
                reason = _asked(partial(backend.refuses, format))
            except (DeviceError, TimeoutError) as error:
                text = f"{names} cannot be opened: {error}; restart the sound server, and run again"
                raise Unavailable(text) from error
            if not reason:
                return format, refusal if rate != rates[0] else ""
            refusal = refusal or reason
    raise Unavailable(
        f"{names} cannot be opened, neither at {rates[0]} Hz nor at {devices[0].rate} Hz, its own rate:"
        f" {refusal}; does another program hold it? Close that, or choose the device as the system's default"
        " and leave 'device' out"
    )


def _list(devices: Iterable[Device]) -> str:
    return ", ".join(f"{device.index} {device.name!r}" for device in devices)


def _none(direction: Direction) -> str:
    return f"there is no audio {direction} device; plug in a {_NOUN[direction]}, or start the sound server"
