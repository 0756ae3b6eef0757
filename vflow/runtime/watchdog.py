"""Watch the threads of a pipeline: name the node that stalls, and when all wait, say who waits for whom.

A monitor takes a few samples in `stall_after_s`. Each has the place of every thread (`sys._current_frames`)
and how much it has finished (counters that links and runners keep anyway). A thread that is in a node's code
and has finished nothing for so long is inside one call. A thread in one of the runtime's own waits is not
stalled. Such waits matter only if every thread is in one and none of the threads can wake another: a
deadlock.
"""

from __future__ import annotations

import gc
import linecache
import selectors
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import CodeType, FrameType

from vflow.clock import Clock, ManualClock
from vflow.node import Node
from vflow.runtime.coroutines import Coroutines
from vflow.runtime.held_link import HeldLink
from vflow.runtime.link import Link
from vflow.runtime.reader_segment import ReaderSegment
from vflow.runtime.runner import Runner
from vflow.runtime.segment import Segment

STALL_AFTER_S = 2.0
LOAD_AFTER_S = 20.0
"""A node may open or close this long before a warning: a model takes its time to load."""
SAMPLES = 4
"""Samples in each `stall_after_s`: a stall is reported at most a quarter of it late."""
OUTERMOST, INNERMOST = 2, 4
"""How many stack frames of a node's code are printed: of its outermost calls, and of its innermost."""

Warn = Callable[[str, str], None]
"""Posts a warning: the node's name, then the text."""


class Doing(Enum):
    """The occupation of a thread."""

    WORKING = "in a node's code, or on the way to it"
    IDLE = "waits for an entry or a timer"
    BLOCKED = "waits for room in a link"
    WAITING = "waits for a time, for a notification or for its turn"


_WAITS: Mapping[CodeType, Doing] = {
    ReaderSegment._park.__code__: Doing.IDLE,
    Link._block.__code__: Doing.BLOCKED,
    Segment.wait_until.__code__: Doing.WAITING,
    Segment.rest.__code__: Doing.WAITING,
    ManualClock.enter.__code__: Doing.WAITING,
}
_SELECT = selectors.DefaultSelector.select.__code__
_RUN = Coroutines.run.__code__
_collecting = threading.Lock()  # held by whoever switches garbage collection off and on


def current_frames() -> dict[int, FrameType]:
    """Return the frame of each thread, by its number; any thread may call.

    Garbage collection is off meanwhile. CPython holds a lock over all threads here. Before 3.11.9 a
    collection in between ran finalizers, which let another thread wait for that lock while it held the
    interpreter: all threads stood still. Source: CPython's issue 106883.
    """
    with _collecting:
        collects = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()
        finally:
            if collects:
                gc.enable()


@dataclass(slots=True)
class _Watched:
    """One thread as the monitor sees it: its progress, and since when that has not changed."""

    progress: tuple[int, ...] = ()
    since_s: float = 0.0
    reported: str = ""
    """The node named in a warning, until it goes on."""


class Watchdog:
    """Watches `segments`, and the threads of `loading()`, which open or close a node.

    In the monitor's thread, `warn` is called once when a node stalls and once when it goes on, and
    `look_after` after each sample. The monitor calls `look`; a test may call it without `start`.
    """

    def __init__(
        self,
        segments: Iterable[Segment],
        clock: Clock,
        warn: Warn,
        loading: Callable[[], Mapping[str, threading.Thread]] = dict,
        stall_after_s: float = STALL_AFTER_S,
        look_after: Callable[[], None] = lambda: None,
    ) -> None:
        self._segments = tuple(dict.fromkeys(segments))
        self._clock, self._warn, self._loading = clock, warn, loading
        self._stall_after_s, self._look_after = stall_after_s, look_after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vflow:watchdog", daemon=True)
        # all below belongs to the monitor
        self._threads: dict[threading.Thread, _Watched] = {}
        self._all = _Watched()
        self._looked_s = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the monitor; any thread, any number of times. Wait for its end, unless in the monitor."""
        self._over.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._over.wait(self._stall_after_s / SAMPLES):
            self.look(time.monotonic())
            self._look_after()

    def look(self, now_s: float) -> None:
        """Take one sample; `now_s` is of `time.monotonic`."""
        slept = now_s - self._looked_s > self._stall_after_s  # by a debugger, or a suspended machine
        self._looked_s = now_s
        if slept or self._clock.held:
            self._threads.clear()
            self._all = _Watched()
        if self._clock.held:
            return
        frames = current_frames()
        doing: dict[Segment, Doing] = {}
        for segment in self._segments:
            if (frame := _frame(segment, frames)) is not None:
                doing[segment] = _doing(frame)
                self._look_at(segment, doing[segment], frame, now_s)
            elif (watched := self._threads.pop(segment.thread, None)) is not None:
                self._goes_on(watched, now_s)
        self._look_at_all(doing, now_s)
        self._look_at_loading(frames, now_s)

    def _look_at(self, segment: Segment, doing: Doing, frame: FrameType, now_s: float) -> None:
        progress = _progress(segment)
        watched = self._threads.setdefault(segment.thread, _Watched(progress, now_s))
        if doing is not Doing.WORKING or progress != watched.progress:
            self._goes_on(watched, now_s)
            watched.progress, watched.since_s = progress, now_s
        elif now_s - watched.since_s >= self._stall_after_s and not watched.reported:
            runner, stack = _place(segment, frame)
            watched.reported = runner.name
            place = f" ({runner.place})" if runner.place else ""
            lasted = f"{now_s - watched.since_s:.1f} s"
            self._warn(runner.name, f"stalls{place}: in one call for {lasted}, at\n{stack}")

    def _goes_on(self, watched: _Watched, now_s: float) -> None:
        if watched.reported:
            self._warn(watched.reported, f"went on after {now_s - watched.since_s:.1f} s")
            watched.reported = ""

    def _look_at_all(self, doing: Mapping[Segment, Doing], now_s: float) -> None:
        progress = tuple(number for segment in doing for number in _progress(segment))
        if progress != self._all.progress or not _stuck(doing):
            self._all = _Watched(progress, now_s)
        elif now_s - self._all.since_s >= self._stall_after_s and not self._all.reported:
            self._all.reported = "pipeline"
            self._warn("pipeline", f"deadlock: {'; '.join(_chain(doing))}")

    def _look_at_loading(self, frames: Mapping[int, FrameType], now_s: float) -> None:
        for what, thread in self._loading().items():
            watched = self._threads.setdefault(thread, _Watched((), now_s))
            frame = frames.get(thread.ident or 0)
            if now_s - watched.since_s >= LOAD_AFTER_S and frame is not None and not watched.reported:
                watched.reported = what.split(":")[-1]
                verb = what.split(":")[0]
                own = [at for at in _outwards(frame) if at.f_code.co_filename != threading.__file__]
                text = f"{verb}() has taken {now_s - watched.since_s:.0f} s, and is at\n{_stack(own)}"
                self._warn(watched.reported, text)


def standing(segment: Segment) -> Doing | None:
    """Return what a thread is doing now; None if it has not begun or has ended. Any thread may call."""
    frame = _frame(segment, current_frames())
    return None if frame is None else _doing(frame)


def _frame(segment: Segment, frames: Mapping[int, FrameType]) -> FrameType | None:
    return frames.get(segment.thread.ident or 0) if segment.thread.is_alive() else None


def _outwards(frame: FrameType) -> Iterator[FrameType]:
    at: FrameType | None = frame
    while at is not None:
        yield at
        at = at.f_back


def _doing(frame: FrameType) -> Doing:
    """Return what a thread is doing, by the innermost of its frames that tells."""
    for at in _outwards(frame):
        if (found := _WAITS.get(at.f_code)) is not None:
            return found
        if at.f_code is _RUN:  # in a coroutine, which waits where its event loop waits
            return Doing.WAITING if frame.f_code is _SELECT else Doing.WORKING
    return Doing.WORKING


def _progress(segment: Segment) -> tuple[int, ...]:
    """Return numbers of which one changes whenever a thread finishes something. They are read without a lock:
    an old value only delays a report."""
    return (segment.epoch, *map(_taken, segment.inbox.links), *(runner.steps for runner in segment.runners))


def _taken(link: Link) -> int:
    """Return how many entries the reader took, without those that a full link dropped."""
    stats = link.stats()
    dropped = 0 if link.options.policy == "leaky-newest" else stats.dropped  # those were never in it
    return stats.pushed - dropped - len(link)


def _place(segment: Segment, frame: FrameType) -> tuple[Runner, str]:
    """Return the runner whose code a thread is in, and the frames of that code as text."""
    runners = {id(runner.node): runner for runner in segment.runners}
    own: list[FrameType] = []
    for at in _outwards(frame):
        owner = at.f_locals.get("self")
        if isinstance(owner, Runner | Segment):  # the runtime's way into the node
            return (owner if isinstance(owner, Runner) else owner.head), _stack(own or [at])
        own.append(at)
        if isinstance(owner, Node) and id(owner) in runners:
            return runners[id(owner)], _stack(own)
    return segment.head, _stack(own)


def _stack(frames: list[FrameType]) -> str:
    """Return frames as a traceback prints them, the innermost last; they are given innermost first."""
    lines: list[str] = []
    for index, frame in enumerate(reversed(frames)):
        if OUTERMOST <= index < len(frames) - INNERMOST:
            if index == OUTERMOST:
                lines.append(f"  ... {len(frames) - OUTERMOST - INNERMOST} more")
            continue
        file, line = frame.f_code.co_filename, frame.f_lineno
        lines.append(f'  File "{file}", line {line}, in {frame.f_code.co_name}')
        if source := linecache.getline(file, line).strip():
            lines.append(f"    {source}")
    return "\n".join(lines)


def _stuck(doing: Mapping[Segment, Doing]) -> bool:
    """Return whether every thread waits for another while entries are left."""
    waits = all(what in (Doing.IDLE, Doing.BLOCKED) and not segment.timers for segment, what in doing.items())
    return waits and any(len(link) for segment in doing for link in segment.inbox.links)


def _chain(doing: Mapping[Segment, Doing]) -> Iterator[str]:
    """Yield who waits for whom."""
    links = [(link, reader) for reader in doing for link in reader.inbox.links]
    for segment, what in doing.items():
        full = [
            f"{link.name}, which {r.name} reads"
            for link, r in links
            if link.blocked and link.writer is segment
        ]
        held = [link.name for link in segment.inbox.links if isinstance(link, HeldLink) and len(link)]
        empty = [link.name for link in segment.inbox.links if not len(link) and not link.ended]
        if what is Doing.BLOCKED:
            yield f"{segment.name} waits for room in {' and '.join(full) or 'a link'}"
        elif held:
            yield f"{segment.name} waits for the commit of what {' and '.join(held)} holds"
        else:
            yield f"{segment.name} waits for an entry of {' and '.join(empty) or 'its links'}"
