"""Bring samples from a device's clock to the pipeline's, or back.

A sound card's clock is off by up to 100 ppm, which is 180 ms in half an hour. Here its time is estimated from
the times of its callbacks, and its samples are interpolated so that they keep up with the pipeline's time.
"""

from __future__ import annotations

import math

import numpy as np

from vflow import MS, SECOND, Samples

_WIDE_HZ, _NARROW_HZ = 0.3, 0.01
_MEAN_S = 2.0
"""Until this age only the mean of the observations counts; a drift shows only later."""
_JUMP_NS = 100 * MS
"""An observation that is off by more than this is no jitter: the device lost samples, or paused."""
_SLIP_NS = 30 * MS
"""Samples that are off by more than this have slipped: a change of rate would bring them back too slowly."""
_MOST_PERIOD = 5e-4
"""No clock is off by more than this share; a filter that says so has not settled yet."""

_ZEROS, _PHASES, _BETA = 16, 2048, 9.0
_SETTLE_NS = 20 * SECOND
_MOST_STEER = 1e-3


class DeviceClock:
    """Estimates the time of a device's frames from observations that jitter by some ms: a delay-locked loop.

    It is of second order, so that a constant drift leaves no error. Its bandwidth falls from 0.3 Hz to
    0.01 Hz in the first half minute. Source: Adriaensen, Using a DLL to filter time, LAC 2005.
    """

    def __init__(self, rate: int) -> None:
        self.nominal_ns = SECOND / rate
        self.period_ns = self.nominal_ns
        """Nanoseconds per frame."""
        self._time_ns: float | None = None
        self._count = self._first = self._updates = 0

    @property
    def ppm(self) -> float:
        """By how many millionths the device is too fast."""
        return (self.nominal_ns / self.period_ns - 1) * 1e6

    def reset(self) -> None:
        """Forget the time, as after a pause, but keep the drift."""
        self._time_ns = None

    def update(self, count: int, observed_ns: float) -> float:
        """Take the observed time of the boundary after `count` frames. Return its filtered time, in ns."""
        if self._time_ns is None or count <= self._count:
            self._time_ns, self._count, self._first, self._updates = observed_ns, count, count, 1
            return observed_ns
        frames = count - self._count
        # the loop: predict, compare, and correct the time and (more slowly) the period
        predicted = self._time_ns + frames * self.period_ns
        error = observed_ns - predicted
        if abs(error) > _JUMP_NS:
            self.reset()
            return self.update(count, observed_ns)
        self._updates += 1
        age_s = (count - self._first) * self.nominal_ns / SECOND
        bandwidth = max(_NARROW_HZ, _WIDE_HZ / (1 + age_s))
        omega = min(2 * math.pi * bandwidth * frames * self.nominal_ns / SECOND, 0.5)  # more would ring
        if age_s > _MEAN_S:
            period = self.period_ns + omega * omega * error / frames
            least, most = self.nominal_ns * (1 - _MOST_PERIOD), self.nominal_ns * (1 + _MOST_PERIOD)
            self.period_ns = min(max(period, least), most)
        gain = max(math.sqrt(2) * omega, 1 / self._updates)
        self._time_ns, self._count = predicted + gain * error, count
        return self._time_ns

    def at(self, count: int) -> float:
        """Return the time of the boundary after `count` frames, in ns; 0 before any update."""
        return 0.0 if self._time_ns is None else self._time_ns + (count - self._count) * self.period_ns


class Interpolator:
    """Band-limited interpolation of a mono stream at fractional positions.

    It uses a windowed sinc with 16 zero crossings on each side, from a table of 2048 phases: flat to 85 % of
    the lower rate's band, errors below -65 dB, 1 ms of delay at 16 kHz. soxr's variable rate would hold back
    10 to 20 ms. Source: Smith, Digital Audio Resampling, ccrma.stanford.edu/~jos/resample.
    """

    def __init__(self, step: float) -> None:
        """`step`: about how many frames of input per frame of output."""
        self._half = math.ceil(_ZEROS * max(1.0, step))
        self._table = _sinc_table(self._half, min(1.0, 1 / step))
        self._offsets = np.arange(1 - self._half, self._half + 1)
        self._held: Samples = np.zeros(self._half, np.float32)
        self._at = float(self._half)  # position of the next output in `_held`

    @property
    def held(self) -> float:
        """Frames of input after the position of the next output."""
        return len(self._held) - self._at

    def feed(self, samples: Samples) -> None:
        """Append input."""
        self._held = np.concatenate([self._held, samples])

    def available(self, step: float) -> int:
        """Return how many frames of output the input suffices for."""
        return max(0, math.ceil((len(self._held) - self._half - self._at) / step))

    def missing(self, frames: int, step: float) -> int:
        """Return how many frames of input to feed for `frames` of output."""
        last = math.floor(self._at + (frames - 1) * step)
        return max(0, last + self._half + 1 - len(self._held))

    def take(self, frames: int, step: float) -> Samples:
        """Return the next `frames` of output, `(frames,) float32`, `step` frames of input apart."""
        places = self._at + np.arange(frames) * step
        base = places.astype(np.intp)
        phases = np.rint((places - base) * _PHASES).astype(np.intp)
        windows = self._held[base[:, np.newaxis] + self._offsets]
        out: Samples = np.einsum("ij,ij->i", windows, self._table[phases])
        self._at += frames * step
        # drop input that no later output needs: `_half` frames before the position stay
        done = min(math.floor(self._at) - self._half + 1, len(self._held))
        if done > 0:
            self._held, self._at = self._held[done:], self._at - done
        return out


def _sinc_table(half: int, cutoff: float) -> Samples:
    """Return `(_PHASES + 1, 2 * half) float32`: the window for each phase, with unit gain at 0 Hz."""
    phases = np.arange(_PHASES + 1)[:, np.newaxis] / _PHASES
    x = np.arange(1 - half, half + 1)[np.newaxis, :] - phases
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (x / half) ** 2))) / np.i0(_BETA)
    table = np.sinc(x * cutoff * (0.93 if cutoff < 1 else 1.0)) * window
    scaled: Samples = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled


def steered(step: float, error_ns: float) -> float:
    """Return `step`, changed by at most 0.1 % so that the error is gone after some seconds: neither ears nor
    an echo canceller notice that."""
    return step * (1 + min(max(error_ns / _SETTLE_NS, -_MOST_STEER), _MOST_STEER))


class Recording:
    """Converts a device's recording to exactly `rate` samples per second of pipeline time."""

    def __init__(self, device_rate: int, rate: int) -> None:
        self.rate = rate
        self._step = device_rate / rate
        self.restart()

    def restart(self) -> None:
        """Begin anew, because the next samples do not continue those before."""
        self._interpolator = Interpolator(self._step)
        self._origin_ns: float | None = None
        self._made = 0

    def feed(self, samples: Samples, end_ns: float, period_ns: float) -> tuple[int, Samples]:
        """Take device samples whose last one ends at `end_ns`. Return the pts of the first sample that is
        ready, and the samples, `(n,) float32`."""
        interpolator = self._interpolator
        interpolator.feed(samples)
        recorded_ns = end_ns - interpolator.held * period_ns
        due_ns = self._due_ns(recorded_ns)
        step = steered(SECOND / self.rate / period_ns, due_ns - recorded_ns)
        made = interpolator.take(interpolator.available(step), step)
        self._made += len(made)
        return round(due_ns), made

    def _due_ns(self, recorded_ns: float) -> float:
        """Return the time of the next sample by the count of samples; after a slip, `recorded_ns`, at which
        it was recorded."""
        if self._origin_ns is not None:
            due_ns = self._origin_ns + self._made * SECOND / self.rate
            if abs(due_ns - recorded_ns) < _SLIP_NS:
                return due_ns
        self._origin_ns, self._made = recorded_ns, 0
        return recorded_ns


class Playing:
    """Converts a timeline with `rate` samples per second of pipeline time for the device that plays it."""

    def __init__(self, device_rate: int, rate: int) -> None:
        self.rate = rate
        self._interpolator = Interpolator(rate / device_rate)
        self._origin_ns: float | None = None
        self._step = rate / device_rate

    def restart(self) -> None:
        """Begin anew, because the device paused: the next samples are not in time with those before."""
        self._origin_ns = None

    def begin(self, frames: int, taken: int, at_ns: float, period_ns: float) -> tuple[float, int]:
        """Begin a block of `frames`, the first of which sounds at `at_ns`; `taken` frames of the timeline
        were taken before. Return the frame of the timeline that sounds then, and how many more to take."""
        frame = taken - self._interpolator.held
        due_ns = (self._origin_ns or 0.0) + frame * SECOND / self.rate
        if self._origin_ns is None or abs(at_ns - due_ns) > _SLIP_NS:
            due_ns = at_ns
            self._origin_ns = at_ns - frame * SECOND / self.rate
        self._step = steered(period_ns * self.rate / SECOND, at_ns - due_ns)
        return frame, self._interpolator.missing(frames, self._step)

    def finish(self, frames: int, samples: Samples) -> Samples:
        """Return the device's samples for that block, `(frames,) float32`."""
        self._interpolator.feed(samples)
        return self._interpolator.take(frames, self._step)
