"""Put a turn into words: a remark for everyone, and all figures in a sentence or a table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from vflow.graph.graph import Budget
from vflow.packet import MS, SECOND
from vflow.printing import escaped
from vflow.report.turn import LATENCIES, TurnRecord

MEDIAN_NEEDS = 20
"""Fewest samples for a median; with fewer, the largest is shown."""


def remark(turn: TurnRecord) -> str:
    """Return how long the user waited for a reply, and why it was not heard; '' if neither is known."""
    texts = []
    waited_ns = turn.latency_ns("v2v" if "voice_off" in turn.at_ns else "compute")
    if waited_ns is not None:
        texts.append(f"heard after {waited_ns / SECOND:.1f} s")
    if turn.taken_back:
        texts.append("taken back, you spoke on")
    elif turn.interrupted:
        heard = escaped(turn.heard)
        texts.append(f'interrupted, you heard "{heard}"' if heard else "interrupted before it was heard")
    elif not turn.heard:
        texts.append("nothing was played" if turn.words else "no answer")
    return "; ".join(texts)


def sentence(turn: TurnRecord) -> str:
    """Return a turn's figures in words, for the log of a run; `~` marks those that no recording confirms."""
    texts = {
        "endpoint": "end of speech seen after",
        "first_word": "first word after",
        "compute": "first sound after",
        "v2v": "from your last sound to the reply's first",
        "stop": "silent after an interruption in",
    }
    found = {name: latency for name in texts if (latency := turn.latency_ns(name)) is not None}
    said = [
        f"{texts[name]} {'' if turn.measured or name == 'first_word' else '~'}{ns / MS:.0f} ms"
        for name, ns in found.items()
    ]
    if turn.interrupted:
        heard = f'interrupted, heard: "{escaped(turn.heard)}"'
        said.append(heard if turn.heard else "interrupted before it was heard")
    elif not turn.heard:
        said.append("nothing was played")
    if turn.taken_back:
        said.append("taken back since you spoke on")
    if turn.held_ns:
        said.append(f"held in vain for {turn.held_ns / MS:.0f} ms")
    if turn.speculation.result == "hit":
        said.append("prepared in the pause")
    if tokens := turn.withheld.get("thought_tokens"):
        said.append(f"a thought of {tokens} tokens left unsaid")
    if calls := turn.withheld.get("tool_calls"):
        said.append(f"{calls} tool call{'s' if calls > 1 else ''} left unsaid")
    if turn.withheld.get("made_up_turns"):
        said.append("cut where the model went on with your turn")
    return f"turn {turn.number}: {', '.join(said) or 'played'}"


def table(turns: list[TurnRecord]) -> Iterator[str]:
    """Yield the lines of every turn's latencies, in ms; none if there are no latencies."""
    rows = [[t.latency_ns(name) for name in LATENCIES] for t in turns]
    if not any(cell is not None for row in rows for cell in row):
        return
    names = [name.replace("_", " ") for name in LATENCIES]
    yield "latency, ms  " + "  ".join(names)
    for turn, row in zip(turns, rows, strict=True):
        yield _row(f"turn {turn.number}", names, row)
    if found := _found(turns, "v2v"):
        yield f"v2v: {_summary([ns / MS for ns in found])} ms"


def verdict(budget: Budget | None, turns: list[TurnRecord]) -> str:
    """Return whether a budget was kept; '' if there is none, or no latency for it."""
    if budget is None or not (found := _found(turns, _measure(budget))):
        return ""
    kept = "kept" if max(found) <= budget.limit_ns else "BROKEN"
    return (
        f"budget: {budget.start} to first_audio at most {budget.limit_ns / MS:.0f} ms: {kept} "
        f"(max of {len(found)}: {max(found) / MS:.0f} ms)"
    )


def slow_answers(budget: Budget | None, turns: list[TurnRecord]) -> str:
    """Return how many turns exceeded a budget; '' if none did."""
    found = _found(turns, _measure(budget)) if budget is not None else []
    late = [ns for ns in found if budget is not None and ns > budget.limit_ns]
    if not late or budget is None:
        return ""
    since = "you had finished" if budget.start == "speech_end" else "your last sound"
    return (
        f"slow: {len(late)} of {len(found)} answers were heard later than {budget.limit_ns / SECOND:.1f} s"
        f" after {since} (the slowest after {max(late) / SECOND:.1f} s); --verbose says where the time went"
    )


def _measure(budget: Budget) -> str:
    return {"speech_end": "compute", "voice_off": "v2v"}[budget.start]


def _found(turns: list[TurnRecord], name: str) -> list[int]:
    """Return a latency of the turns that have it, in ns."""
    return [ns for turn in turns if (ns := turn.latency_ns(name)) is not None]


def _row(title: str, names: list[str], cells: list[int | None]) -> str:
    texts = [
        ("-" if ns is None else f"{ns / MS:.0f}").rjust(len(name))
        for name, ns in zip(names, cells, strict=True)
    ]
    return f"{title:<11}  " + "  ".join(texts)


def _summary(values: list[float]) -> str:
    if len(values) < MEDIAN_NEEDS:
        return f"max of {len(values)}: {max(values):.0f}"
    return f"p50 of {len(values)}: {statistics.median(values):.0f}"
