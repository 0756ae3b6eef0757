"""Draw the results that `core.py --json` printed.

    python benchmarks/chart.py RESULT.json PICTURE.png

Install: pip install matplotlib (in any interpreter; vflow itself is not needed).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

INK, QUIET, OURS, PEER, MET, MISSED = "#222222", "#888888", "#1565c0", "#b0bec5", "#2e7d32", "#c62828"


def draw(result: dict[str, Any], path: str | Path) -> None:
    """Draw four panels; a panel stays empty if its measurement was left out."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = pyplot.subplots(2, 2, figsize=(13, 8.6), layout="constrained")
    detail = result["detail"]
    for panel, axis in ((throughput, axes[0, 0]), (ages, axes[0, 1]), (flushes, axes[1, 1])):
        panel(axis, detail)
    targets(axes[1, 0], result["targets"])
    for axis in axes.flat:
        axis.title.set(fontweight="bold", horizontalalignment="left", x=0)
    machine = result["machine"]
    note = f"{result['date']}, {machine['cores']} cores, Python {machine['python']}, load {machine['load']}"
    figure.suptitle(
        f"vflow beside its peers: 20 ms audio blocks through pass-through nodes  ({note})", color=INK
    )
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def throughput(axis: Any, detail: dict[str, Any]) -> None:
    """Draw packets a second through five nodes, by system."""
    rates = dict(detail.get("five nodes, packets/s", {}))
    threads = detail.get("boundaries 6, packets/s", {})
    for name, label in (("queue", "queue.Queue, threads"), ("condition", "deque + Condition, threads")):
        if name in threads:
            rates[label] = threads[name]
    names = sorted(rates, key=lambda name: rates[name])
    colours = [OURS if name.startswith("vflow") else PEER for name in names]
    axis.barh(names, [rates[name] for name in names], color=colours)
    for row, name in enumerate(names):
        axis.text(rates[name] * 1.1, row, f"{rates[name]:,.0f}", va="center", color=INK)
    axis.set(xscale="log", title="Packets a second through five nodes")
    if names:
        axis.set_xlim(min(rates.values()) / 3, max(rates.values()) * 8)


def ages(axis: Any, detail: dict[str, Any]) -> None:
    """Draw over time how old a block is when the slow node begins on it."""
    styles = {"pipecat": (PEER, "pipecat"), "time": (OURS, "vflow, time: 200ms")}
    styles["max_age"] = (MET, "vflow, max_age: 200ms")
    for name, series in detail.get("age under overload, ms", {}).items():
        colour, label = styles[name]
        axis.plot([at / 1e3 for at, _ in series], [age for _, age in series], color=colour, label=label, lw=2,
                  ls=":" if name == "max_age" else "-")  # fmt: skip
    axis.axhline(200, color=INK, lw=0.8, ls="--")
    axis.set(xlabel="s since the start", ylabel="ms", title="Age of a block, the node needs 1.5x real time")
    if axis.lines[1:]:
        axis.legend(frameon=False)


def flushes(axis: Any, detail: dict[str, Any]) -> None:
    """Draw the share of flushes whose first fresh packet had come, over time."""
    for label, colour in (("under load", OURS), ("busy thread", MET)):
        values = sorted(detail.get(f"flush to fresh, {label}, ms", []))
        share = [(index + 1) / len(values) * 100 for index in range(len(values))]
        if values:
            axis.step(
                values, share, where="post", color=colour, lw=2, label=f"{label}, {len(values)} flushes"
            )
    axis.set(xscale="log", xlabel="ms from the call of flush", ylabel="% of flushes", ylim=(0, 102))
    axis.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    for limit, name in ((1, "p50"), (2, "max"), (5, "busy")):
        axis.axvline(limit, color=INK, lw=0.8, ls="--")
        axis.text(limit, 3, f" {name}", color=QUIET, rotation=90, va="bottom", ha="right")
    axis.set_title("First fresh packet after a flush")
    if axis.get_legend_handles_labels()[1]:
        axis.legend(loc="center right", facecolor="white", edgecolor="white", framealpha=1)


def targets(axis: Any, found: dict[str, dict[str, Any]]) -> None:
    """Draw how many times better than its target each value is: to the right of 1 it is met."""
    names = list(found)[::-1]
    for row, name in enumerate(names):
        target = found[name]
        value, bound = target["value"], target["target"]
        better = value / bound if target["at_least"] else bound / value if value > 0 else float("inf")
        at = min(max(better, 0.1), 30)
        colour = MET if target["met"] else MISSED
        axis.plot([1, at], [row, row], color=colour, lw=1.5, zorder=1)
        axis.scatter([at], [row], color=colour, s=28, zorder=2)
        said = f"{value:.3g}{target['unit']}"
        axis.annotate(said, (at, row), (6 if at >= 1 else -6, 0), textcoords="offset points", va="center",
                      ha="left" if at >= 1 else "right", color=INK, fontsize=8)  # fmt: skip
    axis.axvline(1, color=INK, lw=0.8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set(xscale="log", xlim=(0.05, 90), title="Targets: times better than asked (left: missed)")
    axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python benchmarks/chart.py RESULT.json PICTURE.png")
    draw(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
