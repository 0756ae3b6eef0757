"""Play human turns to a whole agent, in real time: turns cut and harmed, and how long a person waits.

    python benchmarks/turns_live.py FOLDER [--only N] [--graph voice_agent] [--set NODE.PROP=VALUE ...]
                                    [--json] [--compare FILE.json]

FOLDER is that of `turns.py`. Each clip is a conversation of its own with the shipped graph: the microphone
hears the clip at its pace, then silence, and the clock plays the reply. The models are loaded once. 97 clips
take about 19 minutes; `--only` takes some of each kind. Run nothing else meanwhile.

*Cut*, *harmed* and the delays are defined in `turn_taking/judged.py`. Intervals are those of `turns.py`.
`--compare` names the `--json` output of another run, and compares the clips of both one by one: by McNemar's
test for shares, by a bootstrap of the differences for delays.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from turn_taking.compared import compare
from turn_taking.judged import Entry, Hold, Judgement, Piece, Truth, judge
from turns import KINDS, RATE, Clip, clips_of, sound, spread, wilson

from vflow import Audio, AudioPacket, Message, Node, Out, Samples, Session, preload
from vflow.graph.registry import NodeClass
from vflow.packet import SECOND
from vflow.report.turn import TurnRecord
from vflow.session.preloaded import Preloaded

MICROPHONE = "benchmark.microphone"
FRAME = 512
HEARD_S = 1.0
"""How long the last reply is listened to."""
PATIENCE_S = 15.0
"""Longest time for the agent to answer after a clip."""
EACH_S = 0.5
"""How much longer than its clip a run lasts, about."""


class ClipMicrophone(Node):
    """A microphone that hears one clip, and then silence."""

    audio = Out(Audio(rate=RATE, channels=1))

    def open(self) -> None:
        self.clip: Samples = np.zeros(0, np.float32)
        self.start_ns = 0
        self.over = threading.Event()

    def paced(self) -> bool:
        return True

    def produce(self) -> Iterator[AudioPacket]:
        start_ns = self.start_ns = self.ctx.now_ns()
        at = 0
        while True:
            pts_ns = start_ns + at * SECOND // RATE
            data = np.zeros((FRAME, 1), np.float32)
            part = self.clip[at : at + FRAME]
            data[: len(part), 0] = part
            at += FRAME
            self.ctx.wait_until(start_ns + at * SECOND // RATE)
            yield AudioPacket(data=data, rate=RATE, pts_ns=pts_ns)
            if at >= len(self.clip):
                self.over.set()


def loaded(graph: Any, values: Mapping[str, str], nodes: Mapping[str, NodeClass] | None = None) -> Preloaded:
    """Load the graph with its models, and with a `ClipMicrophone`."""
    stand_ins = {"mic": (MICROPHONE, {})}
    return preload(
        graph, overrides=values, stand_ins=stand_ins, nodes={**(nodes or {}), MICROPHONE: ClipMicrophone}
    )


def talk(preloaded: Preloaded, clip: Clip) -> Judgement:
    """Hold one conversation, and judge it."""
    session = Session(preloaded)
    (microphone,) = (n for n in session.pipeline.nodes.values() if isinstance(n, ClipMicrophone))
    microphone.clip = sound(clip)
    holds = Holds()
    session.pipeline.bus.listen(holds.listen)
    with session:
        # read all events: unread audio counts as not sent, and an interruption would take it back
        threading.Thread(target=lambda: collections.deque(session, 0), daemon=True).start()
        microphone.over.wait(len(microphone.clip) / RATE + PATIENCE_S)
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and not settled(
            session.log.snapshot(), session.pipeline.clock.now_ns()
        ):
            time.sleep(0.05)
        history = [Entry(e.role, e.text, e.turn) for e in session.conversation.entries()]
        turns = session.log.snapshot()
    start_ns = microphone.start_ns
    truth = Truth(
        tuple((round(begun * SECOND), round(until * SECOND)) for begun, until in clip.inner),
        None if clip.end_s is None else round(clip.end_s * SECOND),
    )
    found = judge(truth, [piece(turn, start_ns) for turn in turns], history, holds.after(start_ns))
    found.file, found.kind = clip.file.name, clip.kind
    return found


def settled(turns: Sequence[TurnRecord], now_ns: int) -> bool:
    """Return whether each turn is answered: its reply is written, and was heard for a while or cut."""
    for turn in turns:
        audible = turn.at_ns.get("audible")
        heard = audible is not None and now_ns - audible >= HEARD_S * SECOND
        if not (turn.ended or (turn.stop_reason is not None and heard)):
            return False
    return True


def piece(turn: TurnRecord, start_ns: int) -> Piece:
    """Convert a turn of a run to the time of the clip."""

    def at(moment: str) -> int | None:
        return turn.at_ns[moment] - start_ns if moment in turn.at_ns else None

    return Piece(
        turn.number,
        at("speech_start") or 0,
        at("decided"),
        turn.user,
        turn.reply,
        turn.heard,
        at("audible"),
        at("flushed"),
        getattr(turn, "taken_back", False),
    )


class Holds:
    """Records from the bus when replies were held, in pipeline time. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: list[Hold] = []  # guarded by _lock

    def listen(self, message: Message) -> None:
        if str(message.kind) == "hold" and message.data["phase"] != "begun":
            went_on = message.data["phase"] != "flushed"
            hold = Hold(message.at_ns - message.data["held_ns"], message.at_ns, went_on)
            with self._lock:
                self._ended.append(hold)

    def after(self, start_ns: int) -> list[Hold]:
        """Return the holds of a run, in time since its clip began."""
        with self._lock:
            return [Hold(h.from_ns - start_ns, h.to_ns - start_ns, h.released) for h in self._ended]


def chosen(clips: Sequence[Clip], only: int | None) -> list[Clip]:
    """Return `only` of the clips, spread over the kinds and within each; all for None."""
    if only is None or only >= len(clips):
        return list(clips)
    kinds = [[clip for clip in clips if clip.kind in names] for names in KINDS.values()]
    kinds = [kind for kind in kinds if kind]
    taken: list[Clip] = []
    for place, kind in enumerate(kinds):
        count = only // len(kinds) + (place < only % len(kinds))
        taken += [kind[len(kind) * n // count] for n in range(min(count, len(kind)))]
    return taken


def figures(judged: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of the clips of one kind."""
    wasted = [words for clip in judged for words in clip["words_wasted"]]
    of: dict[str, Any] = {"turns": len(judged)}
    for name in ("cut", "harmed", "split", "unanswered", "missed"):
        hits = sum(clip[name] for clip in judged)
        low, high = wilson(hits, len(judged))
        of[name] = {
            "clips": hits,
            "percent": 100 * hits / len(judged),
            "low": 100 * low,
            "high": 100 * high,
        }
    for name in ("decided_ms", "audible_ms"):
        delays = [clip[name] for clip in judged if clip[name] is not None]
        of[name] = {"n": len(delays), **spread(delays)}
    of["replies_cut"] = {
        "n": len(wasted),
        "words_mean": float(np.mean(wasted)) if wasted else 0.0,
        "words_max": max(wasted, default=0),
        "of_two_words_at_most": sum(words <= 2 for words in wasted),
    }
    for name in ("held_too_long", "false_retractions"):
        of[name] = sum(clip[name] for clip in judged)
    return of


def by_kind(judged: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the figures of each kind that was played."""
    rows = {kind: [clip for clip in judged if clip["kind"] in names] for kind, names in KINDS.items()}
    return {kind: figures(clips) for kind, clips in rows.items() if clips}


def table(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the figures as lines of text."""
    for kind, of in results.items():
        yield f"{kind}: {of['turns']} turns"
        for name in ("cut", "harmed", "split", "unanswered", "missed"):
            hits = of[name]
            between = f"{hits['low']:.0f} to {hits['high']:.0f}"
            yield f"  {name:12} {hits['clips']:3d}  {hits['percent']:3.0f} % ({between})"
        for name, label in (("decided_ms", "decision"), ("audible_ms", "first sound")):
            if (delay := of[name])["n"]:
                p50 = f"{delay['p50_ms']:.0f} ({delay['p50_low_ms']:.0f} to {delay['p50_high_ms']:.0f})"
                figures = f"mean {delay['mean_ms']:.0f}  p50 {p50}  p90 {delay['p90_ms']:.0f} ms"
                yield f"  {label:12} {figures} after the last sound, n {delay['n']}"
        cut = of["replies_cut"]
        words = f"words heard mean {cut['words_mean']:.1f}, max {cut['words_max']}"
        few = f"at most two of {cut['of_two_words_at_most']}"
        yield f"  replies cut because the speaker spoke on: {cut['n']}, {words}, {few}"
        yield f"  held too long {of['held_too_long']}, false retractions {of['false_retractions']}"


def told(compared: Mapping[str, Any]) -> Iterator[str]:
    """Yield a comparison as lines of text."""
    yield f"against the run before, {compared['clips']} clips of both:"
    for name in ("cut", "harmed", "missed"):
        hits = compared[name]
        pairs = f"only before {hits['only_before']}, only now {hits['only_after']}"
        yield f"  {name:12} {pairs}, p {hits['p']:.3f}"
    for name in ("decided_ms", "audible_ms"):
        if delay := compared[name]:
            between = f"{delay['low']:+.0f} to {delay['high']:+.0f}"
            yield f"  {name:12} {delay['mean']:+.0f} ms ({between}), n {delay['n']}"


def note(text: str) -> None:
    """Print progress to stderr, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=int, metavar="N", help="run N clips, spread over the kinds")
    parser.add_argument("--graph", default="voice_agent", help="a graph file, or a shipped pipeline's name")
    parser.add_argument("--set", action="append", default=[], metavar="NODE.PROP=VALUE")
    parser.add_argument("--compare", type=Path, metavar="FILE.json", help="another run, as --json printed it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    values = dict(text.split("=", 1) for text in args.set)
    clips = chosen(clips_of(args.folder), args.only)
    before = json.loads(args.compare.read_text())["clips"] if args.compare else []
    with loaded(args.graph, values) as preloaded:
        seconds = sum(len(sound(clip)) / RATE + EACH_S for clip in clips)
        note(f"{len(clips)} clips, about {seconds / 60:.0f} minutes; run nothing beside it")
        judged: list[dict[str, Any]] = []
        for number, clip in enumerate(clips, 1):
            found = talk(preloaded, clip)
            judged.append({**asdict(found), "harmed": found.harmed})
            became = [n for n in ("cut", "split", "unanswered", "missed") if getattr(found, n)] or ["whole"]
            note(f"{number}/{len(clips)} {found.file}: {', '.join(became)}")
    results: dict[str, Any] = {"graph": args.graph, "set": values, "kinds": by_kind(judged), "clips": judged}
    if args.compare:
        results["compared"] = compare(before, judged)
    if args.json:
        print(json.dumps(results))
        return
    print("\n".join([*table(results["kinds"]), *(told(results["compared"]) if args.compare else ())]))


if __name__ == "__main__":
    main()
