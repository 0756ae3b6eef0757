"""How many sessions keep the latency that a graph promises, also where all ask at the same moment.

One turn of the agent tells: the seconds of CPU that it takes, and the time that it has for them. All sessions
count alike, idle ones too: nobody knows who asks next.
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
"""How long the agent may take for its first sound."""
SHARE = 0.8
"""Of the cores: the rest is for replies that sound while others are made, and for the sockets."""
MOST = 30
"""All sessions share one interpreter, which is full with more (docs/measurements.md)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One turn: seconds of CPU of this process for a second in which a user speaks (`hearing`), and from the
    last sound to the reply's first (`answering`); `within_s` is the time that this may take."""

    hearing: float
    answering: float
    within_s: float


def sessions_for(cost: Cost, cores: float) -> int:
    """How many may speak at once, and be answered at once; one at least."""
    cores *= SHARE
    speak = cores / cost.hearing if cost.hearing > 0 else MOST
    answered = cores * cost.within_s / cost.answering if cost.answering > 0 else MOST
    return max(1, min(MOST, int(speak), int(answered)))


def measured(agent: Preloaded, clip: Clip | None = None) -> int | None:
    """Return how many sessions an agent keeps its promise to on this machine, by a question of one of them.
    None where that cannot be told: without a budget, a microphone or a loudspeaker in the graph, where a
    turn would leave this machine, or where no reply came. Blocks, for as long as a question and its answer
    last."""
    if agent.graph.budget is None or not _can_be_asked(agent.graph):
        return None
    agent.wait()
    try:
        with Session(agent) as session:
            agent.wait()  # what is opened for the next session would count
            if any("base_url" in props_of(type(node)) for node in session.pipeline.nodes.values()):
                return None
            cost = _ask(session, clip or recorded(bundled()))
    except (VflowError, RuntimeError, OSError):  # whoever connects is told of it
        return None
    return None if cost is None else sessions_for(cost, usable_cores())


def _can_be_asked(graph: Graph) -> bool:
    return {SOURCE, SINK} <= {node.resolved for node in graph.nodes.values()}


def _ask(session: Session, clip: Clip) -> Cost | None:
    """Ask a question aloud; return what its answer took, None where none came."""
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
