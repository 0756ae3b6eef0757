"""Estimate how many sessions can keep the latency that a graph promises, even if all ask at once.

The estimate comes from one measured turn: the seconds of CPU that it takes, and the time allowed for them.
Idle sessions count like busy ones: any of them may ask next.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from vflow.bench.speech import RATE, Clip, bundled, recorded
from vflow.errors import VflowError
from vflow.graph.graph import Graph
from vflow.packet import SECOND
from vflow.props import props_of
from vflow.resources import usable_cores
from vflow.session.ends import BUTTON, SINK, SOURCE
from vflow.session.events import ReplyAudio, StateChanged
from vflow.session.preloaded import Preloaded
from vflow.session.session import Session

PIECE_S = 0.02
ANSWER_S = 10.0
"""Longest wait for the agent's first sound."""
SHARE = 0.8
"""Share of the cores to plan with: the rest is for replies that sound meanwhile, and for the sockets."""
MOST = 30
"""Most sessions of one process: more saturate the interpreter that they share (docs/measurements.md)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one turn. `hearing`: CPU seconds of this process per second of the user's speech.
    `answering`: CPU seconds from the last sound of the user to the first of the reply, for which `within_s`
    seconds are allowed."""

    hearing: float
    answering: float
    within_s: float


def sessions_for(cost: Cost, cores: float) -> int:
    """Return how many users may speak at once and be answered at once; at least 1."""
    cores *= SHARE
    speak = cores / cost.hearing if cost.hearing > 0 else MOST
    answered = cores * cost.within_s / cost.answering if cost.answering > 0 else MOST
    return max(1, min(MOST, int(speak), int(answered)))


def measured(agent: Preloaded, clip: Clip | None = None) -> int | None:
    """Ask an agent one question, and return for how many sessions it can keep its promised latency on this
    machine. None if that cannot be told: the graph has no budget, microphone or loudspeaker, a turn would
    leave this machine, or no reply came. Blocks for as long as a question and its answer last."""
    if agent.graph.budget is None or not _can_be_asked(agent.graph):
        return None
    agent.wait()
    try:
        with Session(agent) as session:
            agent.wait()  # else the time in which the next session's nodes open would count
            if any("base_url" in props_of(type(node)) for node in session.pipeline.nodes.values()):
                return None
            cost = _ask(session, clip or recorded(bundled()))
    except (VflowError, RuntimeError, OSError):  # the first client that connects is told of it
        return None
    return None if cost is None else sessions_for(cost, usable_cores())


def _can_be_asked(graph: Graph) -> bool:
    return {SOURCE, SINK} <= {node.resolved for node in graph.nodes.values()}


def _ask(session: Session, clip: Clip) -> Cost | None:
    """Ask a question aloud; return the cost of its answer, None if none came."""
    budget = session.graph.budget
    assert budget is not None
    pressed = BUTTON in {node.resolved for node in session.graph.nodes.values()}
    if pressed:
        session.press()
    begun, off_s, off, decided_s = time.process_time(), 0.0, 0.0, 0.0
    due = time.monotonic()
    size, last = round(PIECE_S * RATE), clip.off_ns * RATE // SECOND
    silence = np.zeros(size, np.float32)
    for at in range(0, last + int(ANSWER_S * RATE), size):
        if at >= last and not off_s:
            off_s, off = time.monotonic(), time.process_time()
            if pressed:
                session.release()
        session.push(clip.samples[at : at + size] if at < last else silence, RATE)
        due += PIECE_S
        while (event := session.get(max(0.0, due - time.monotonic()))) is not None:
            if not off_s:
                continue
            if isinstance(event, StateChanged) and event.state == "processing":
                decided_s = time.monotonic() - off_s
            elif isinstance(event, ReplyAudio):
                answering = time.process_time() - off
                endpoint_s = decided_s if budget.start == "speech_end" else 0.0
                hearing = (off - begun) / (clip.off_ns / SECOND)
                return Cost(hearing, answering, endpoint_s + budget.limit_ns / SECOND)
    return None
