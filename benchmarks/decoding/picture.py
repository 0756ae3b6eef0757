"""Draw one picture of each part's result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chart import INK, MET, OURS, PEER, QUIET, targets

COLOURS = (OURS, MET, "#ef6c00", "#6a1b9a", "#c62828")


def draw(result: dict[str, Any], path: str | Path) -> bool:
    """Write the picture of a result. Return False if it has nothing to draw."""
    drawer = {"engine": steps, "hf": peers, "turn": turns, "soak": soaked}.get(result["part"])
    if drawer is None:
        return False
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = pyplot.subplots(1, 2, figsize=(13, 4.8), layout="constrained")
    drawer(result, *axes)
    for axis in axes:
        axis.title.set(fontweight="bold", horizontalalignment="left", x=0)
    machine, versions = result["machine"], result["versions"]
    note = (
        f"{', '.join(result['sizes'])} in {result['dtype']} on {machine['device']}, torch {versions['torch']}"
    )
    figure.suptitle(f"vflow's decode engine: {note}, {result['date'][:10]}", color=INK)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return True


def steps(result: dict[str, Any], left: Any, right: Any) -> None:
    """Draw the share of the read bandwidth, and ms a step, over the batch: a line per variant and context."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for cell in result["detail"].get("steps", []):
        how = "captured" if cell["captured"] else "eager"
        drawn = "" if cell["drawn"] else ", greedy"
        name = f"{cell['size']} {cell['weights']} {cell['kernels']} {how}{drawn}, {cell['context']}"
        lines.setdefault(name, []).append(cell)
    for number, (name, cells) in enumerate(lines.items()):
        style = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": "os^dv"[number // len(COLOURS) % 5],
            "ms": 4,
        }
        style["ls"] = "-" if "captured" in name else "--"
        batches = [cell["batch"] for cell in cells]
        left.plot(batches, [100 * cell["share"] for cell in cells], lw=1.2, **style)
        right.plot(batches, [cell["ms"] for cell in cells], label=name, lw=1.2, **style)
    ticks = sorted({cell["batch"] for cells in lines.values() for cell in cells})
    for axis in (left, right):
        axis.set_xscale("log", base=2)
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.set_xlabel("rows")
    left.set(ylabel="%", title="Share of the measured read bandwidth", ylim=(0, None))
    right.set(yscale="log", ylabel="ms", title="A step")
    if lines:
        # put the legend beside the axes: the lines fill them
        right.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def peers(result: dict[str, Any], left: Any, right: Any) -> None:
    """Draw ms a token of each contestant; and the targets."""
    rows = []
    for size in result["sizes"]:
        medians = result["detail"].get(f"{size} ms a token", {})
        rows += [(f"{size}: {who}", ms) for who, ms in sorted(medians.items(), key=lambda item: -item[1])]
    ours = [OURS if "engine" in name or "stepper" in name else PEER for name, _ in rows]
    left.barh(range(len(rows)), [ms for _, ms in rows], color=ours)
    for row, (_, ms) in enumerate(rows):
        left.text(ms, row, f" {ms:.3g}", va="center", color=INK, fontsize=8)
    left.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    left.set(xlabel="ms", title="ms a token, greedy; of several rows, each of their tokens")
    targets(right, result["targets"])


def turns(result: dict[str, Any], left: Any, right: Any) -> None:
    """Draw the median stages of a turn, one after the other; and the share of turns with a word over time."""
    for row, size in enumerate(result["sizes"]):
        at = 0.0
        for number, (stage, ms) in enumerate(result["detail"].get(f"{size} waterfall, ms", {}).items()):
            level = row * 6 + number
            left.barh(level, ms, left=at, color=COLOURS[number % len(COLOURS)])
            left.text(at + ms, level, f" {size}: {stage}, {ms:.2f} ms", va="center", fontsize=8, color=INK)
            at += ms
        values = sorted(result["detail"].get(f"{size} turns, ms", []))
        share = [100 * (index + 1) / len(values) for index in range(len(values))]
        if values:
            label = f"{size}, {len(values)} turns"
            right.step(values, share, where="post", label=label, lw=2, color=COLOURS[row])
    left.invert_yaxis()
    left.set_yticks([])
    left.margins(x=0.5)
    left.set(xlabel="ms from the end of speech", title="A turn in the middle, not speculated", xlim=(0, None))
    right.set(xlabel="ms", ylabel="% of turns", ylim=(0, 102), title="End of speech to first word")
    if right.lines:
        right.legend(frameon=False)


def soaked(result: dict[str, Any], left: Any, right: Any) -> None:
    """Draw the time to each first word, and memory, over time."""
    for number, size in enumerate(result["sizes"]):
        points = result["detail"].get(f"{size} first word over time, s and ms", [])
        colour = COLOURS[number % len(COLOURS)]
        left.plot([s for s, _ in points], [ms for _, ms in points], ".", ms=3, color=colour, label=size)
        samples = result["detail"].get(f"{size} memory, MB", [])
        held = "allocated" if samples and "allocated" in samples[0] else "rss"
        right.plot(
            [each["s"] for each in samples], [each[held] for each in samples], color=colour, label=size
        )
    left.set(xlabel="s", ylabel="ms", title="First word of each reply", ylim=(0, None))
    right.set(xlabel="s", ylabel="MB", title="Memory, of the device where there is one", ylim=(0, None))
    right.axhline(0, color=QUIET, lw=0.5)
