"""Many paced sessions with real speech: how late replies come, how fast they stop, what a session costs.

    python benchmarks/serve_load.py [--sessions 1,10,25] [--seconds 60] [--vad vad] [--models]
        [--pipecat-python PYTHON] [--json]

Each number of sessions gets a server of its own, `vflow serve` as a process; STT, language model and voice
are scripted (`crowd/script.py` has their times), the detector is real. With `--models` it serves
`voice_agent` with its own. First all sessions are silent, then they talk: the bundled question, its answer,
again. A third of the replies is heard out, a third is cut by the client's message, a third by the next
question.

`wait` is from a question's last sound to the reply's first, `added` how much later that is than the median of
one session alone. `own` is the part of `compute`, from the end of speech that the server found to the first
sound, which scripted models do not take. `stop` is from the client's message to the word that the reply is
cut; `stop by voice` from the first sound of a voice, the time that a detector needs included. CPU is that of
the server. The clients share its cores: their part is printed too. pipecat serves the same script by its own
FastAPI transport, in an environment that has it:

    python -m venv VENV && VENV/bin/pip install 'pipecat-ai[silero,websocket]' 'uvicorn[standard]'
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from typing import Any

import numpy as np
from crowd import script
from crowd.process import Process
from crowd.systems import System, models_server, pipecat_server, question, scripted_server
from crowd.talkers import BY_COMMAND, BY_VOICE, WHOLE, Crowd, Noted, Said, Talker

OWN_MS, STOP_MS, SESSIONS, RATIO = 20.0, 100.0, 25, 1 / 3
SETTLE_S = 2.0
"""After the sessions have begun, before anything is counted."""


def percentiles(values_s: list[float]) -> dict[str, float]:
    """In ms, with how many there are."""
    if not values_s:
        return {"n": 0}
    p50, p95, p99 = np.percentile(values_s, [50, 95, 99]) * 1000
    found = {"p50": p50, "p95": p95, "p99": p99, "max": max(values_s) * 1000}
    return {**{name: round(float(value), 1) for name, value in found.items()}, "n": len(values_s)}


class Window:
    """CPU of a server and of this process in a time."""

    def __init__(self, server: Process) -> None:
        self._server = server
        self._began = time.perf_counter(), server.cpu_s(), time.process_time()

    def end(self) -> tuple[float, float]:
        """Seconds of CPU that a second took: of the server, and of the clients."""
        at_s, cpu_s, own_s = self._began
        seconds = time.perf_counter() - at_s
        return (self._server.cpu_s() - cpu_s) / seconds, (time.process_time() - own_s) / seconds


def run(system: System, sessions: int, said: Said, args: argparse.Namespace) -> dict[str, Any]:
    """Serve that many; returns what came of it, with the waits in s."""
    noted = Noted()
    with system.start(sessions) as server:
        before = server.rss()
        place = server.host, server.port
        make = partial(Talker, place, system.dialect, said, (WHOLE, BY_COMMAND, BY_VOICE), noted)
        crowd = Crowd([make(seed) for seed in range(sessions)], noted)
        crowd.begin()
        crowd.run(SETTLE_S)
        connected = server.rss()
        window = Window(server)
        crowd.run(args.idle)
        idle, _ = window.end()
        noted.late.clear()
        now = time.perf_counter()
        for number, talker in enumerate(crowd.talkers):
            talker.lasts(args.reply)
            talker.talk(now + args.apart * number / sessions)
        window = Window(server)
        crowd.run(args.seconds)
        speaking, own = window.end()
        most = server.rss()
        crowd.close()
    return {
        "system": system.name,
        "sessions": sessions,
        "waits_s": noted.waits,
        "own_s": own_times(noted, args.models),
        "stop_ms": percentiles(noted.stops),
        "voice_stop_ms": percentiles(noted.voice_stops),
        "unanswered": noted.unanswered,
        "unstopped": noted.unstopped,
        "stale": noted.stale,
        "lost": noted.lost,
        "cpu_s_a_session_minute": {
            "idle": round(60 * idle / sessions, 2),
            "speaking": round(60 * speaking / sessions, 2),
        },
        "cores": {"server": round(speaking, 2), "clients": round(own, 2)},
        "clients_late_ms": percentiles(noted.late),
        "mib_a_session": {
            "begun": round((connected - before) / sessions / 2**20, 2),
            "spoken": round((most - before) / sessions / 2**20, 2),
        },
    }


def own_times(noted: Noted, models: bool) -> list[float]:
    """Return the time that the server adds to the scripted times, by its own report."""
    computes = [json.loads(end)["latencies_ms"].get("compute") for end in noted.ends]
    known = 0.0 if models else script.SCRIPTED_S
    return [ms / 1000 - known for ms in computes if ms is not None]


def compared(rows: list[dict[str, Any]]) -> None:
    """Put percentiles in place of the times, beside one session alone."""
    alone: dict[str, float] = {}
    for row in rows:
        waits, own = row.pop("waits_s"), row.pop("own_s")
        alone.setdefault(row["system"], float(np.median(waits)) if waits else 0.0)
        row["wait_ms"] = percentiles(waits)
        row["added_ms"] = percentiles([wait - alone[row["system"]] for wait in waits])
        row["own_ms"] = percentiles(own)


def targets(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    ours = [row for row in rows if row["system"] == "vflow"]
    theirs = {row["sessions"]: row for row in rows if row["system"] == "pipecat"}

    def whole(row: dict[str, Any]) -> bool:
        return not (row["lost"] or row["unanswered"] or row["unstopped"] or row["stale"])

    held = [row for row in ours if row["own_ms"].get("p99", OWN_MS + 1) <= OWN_MS and whole(row)]
    values: dict[str, tuple[float, float, bool]] = {}
    most = max((row["sessions"] for row in held), default=0)
    values[f"sessions at p99 own <= {OWN_MS:g} ms"] = most, SESSIONS, most >= SESSIONS
    full = next((row for row in ours if row["sessions"] >= SESSIONS), ours[-1])
    stop = full["stop_ms"].get("p99", 0.0)
    stopped = full["stop_ms"]["n"] > 0 and stop <= STOP_MS
    values[f"stop p99 of {full['sessions']} sessions, ms"] = stop, STOP_MS, stopped
    for row in ours:
        if (peer := theirs.get(row["sessions"])) is not None:
            ratio = row["cpu_s_a_session_minute"]["speaking"] / peer["cpu_s_a_session_minute"]["speaking"]
            name = f"CPU a session-minute of {row['sessions']}, of pipecat's"
            values[name] = round(ratio, 2), round(RATIO, 2), ratio <= RATIO
    return {name: {"value": v, "target": t, "met": met} for name, (v, t, met) in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", default="1,5,10,15,20,25,30", help="at once; 1 is always the first")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they talk")
    parser.add_argument("--idle", type=float, default=15.0, help="how long they are silent before")
    parser.add_argument("--apart", type=float, default=6.0, help="all begin within this time")
    parser.add_argument("--vad", default="vad", help="the detector's node in vflow")
    parser.add_argument("--models", action="store_true", help="serve voice_agent with its models")
    parser.add_argument("--reply", type=float, default=script.REPLY_S, help="seconds of a reply heard out")
    parser.add_argument("--pipecat-python", metavar="PYTHON", default="", help="one that has pipecat")
    parser.add_argument("--pipecat-sessions", metavar="N,N", default="", help="for pipecat; else the same")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    counts = sorted({1, *map(int, args.sessions.split(","))})
    theirs = {1, *map(int, args.pipecat_sessions.split(","))} if args.pipecat_sessions else set(counts)
    said = question()
    systems = [models_server() if args.models else scripted_server(args.vad)]
    if args.pipecat_python and not args.models:
        systems.append(pipecat_server(args.pipecat_python, args.vad))
    rows: list[dict[str, Any]] = []
    for sessions in counts:
        for system in systems if sessions in theirs else systems[:1]:
            rows.append(run(system, sessions, said, args))
            if not args.json:
                print(
                    {name: value for name, value in rows[-1].items() if not name.endswith("_s")}, flush=True
                )
    compared(rows)
    result = {"targets": targets(rows), "rows": rows}
    if args.json:
        print(json.dumps(result))
        return
    for row in rows:
        print(row["system"], row["sessions"], {name: row[name] for name in ("wait_ms", "added_ms", "own_ms")})
    for name, found in result["targets"].items():
        print(f"{name}: {found['value']}, target {found['target']}: {'met' if found['met'] else 'MISSED'}")


if __name__ == "__main__":
    main()
