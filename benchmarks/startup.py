"""Time `vflow --help` beyond a bare interpreter, and `vflow check` of a 100-node graph.

    python benchmarks/startup.py [--json]

Medians of 20 runs, interleaved with the bare interpreter. Bytecode is compiled first.
"""

from __future__ import annotations

import argparse
import compileall
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import vflow

RUNS = 20
TARGETS_MS = {"help": 60.0, "check_100": 400.0}


def once_ms(*words: str) -> float:
    """Return the wall time of one interpreter with these arguments, in ms."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1000


def hundred_nodes(folder: Path) -> Path:
    """Write a graph file of a tone, 98 identities and a null."""
    names = [f"n{number}" for number in range(98)]
    nodes = [
        "  tone: {use: test_tone}",
        *(f"  {name}: {{use: identity}}" for name in names),
        "  end: {use: 'null'}",
    ]
    path = folder / "hundred.yaml"
    path.write_text(
        "\n".join(["nodes:", *nodes, "links:", f"  - {' -> '.join(['tone', *names, 'end'])}", ""])
    )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=RUNS, help="interpreters of each kind")
    args = parser.parse_args()
    compileall.compile_dir(Path(vflow.__file__).parent, quiet=1)
    bare, helped, checked = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        graph = str(hundred_nodes(Path(folder)))
        for _ in range(args.runs):
            bare.append(once_ms("-c", "pass"))
            helped.append(once_ms("-m", "vflow.cli.main", "--help"))
            checked.append(once_ms("-m", "vflow.cli.main", "check", graph))
    base = statistics.median(bare)
    values = {"help": statistics.median(helped) - base, "check_100": statistics.median(checked)}
    targets = {
        name: {"value": round(value, 1), "target": TARGETS_MS[name], "met": value <= TARGETS_MS[name]}
        for name, value in values.items()
    }
    if args.json:
        print(json.dumps({"bare_ms": round(base, 1), "targets": targets}))
        return
    print(f"bare interpreter {base:.1f} ms, median of {args.runs}")
    for name, target in targets.items():
        verdict = "met" if target["met"] else "MISSED"
        print(f"{name} {target['value']} ms, target {target['target']:.0f} ms: {verdict}")


if __name__ == "__main__":
    main()
