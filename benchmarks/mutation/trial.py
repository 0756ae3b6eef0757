"""Try mutants: make each one in a copy of the tree, and run the tests that guard its file there."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation.changes import Mutant
from mutation.guards import GUARDS, ROOT

COPIED = ("vflow", "nodes", "tests", "benchmarks", "pipelines", "docs")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md")
SLACK_S = 20.0
"""How much longer than four times its usual time a run may take."""


class Tree:
    """A copy of the tree in a folder of its own, where changes are made and tests are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hung = False
        """Whether the last run of tests was stopped because it took too long."""
        ignored = shutil.ignore_patterns("__pycache__", ".venv", ".hypothesis")
        for name in COPIED:
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)

    def passes(self, tests: tuple[str, ...], limit_s: float | None) -> bool:
        """Run these tests; return whether they pass within the time."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
        paths = [str(self.folder), str(self.folder / "nodes")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.Popen(
            [*command, *tests],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.hung = False
        try:
            return run.wait(limit_s) == 0
        except subprocess.TimeoutExpired:
            self.hung = True
            return False
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()

    def lets_live(self, mutant: Mutant, limits_s: tuple[float, float]) -> bool:
        """Try a mutant; return whether it survives: no test notices it. The file's own tests run first."""
        path = self.folder / mutant.path
        source = path.read_text()
        own, others = GUARDS[mutant.path][:1], GUARDS[mutant.path][1:]
        path.write_text(mutant.applied(source))
        try:
            return self.passes(own, limits_s[0]) and (not others or self.passes(others, limits_s[1]))
        finally:
            path.write_text(source)


def limits(tree: Tree, path: str) -> tuple[float, float]:
    """Time a file's own tests and the others; return how many seconds each may take with a change."""
    found = []
    for tests in (GUARDS[path][:1], GUARDS[path][1:]):
        begun = time.monotonic()
        if tests and not tree.passes(tests, None):
            raise SystemExit(f"{' '.join(tests)} fails without a change: run it and mend that first")
        found.append(SLACK_S + 4 * (time.monotonic() - begun))
    return found[0], found[1]


def survivors(mutants: Sequence[Mutant], jobs: int, quiet: bool) -> list[Mutant]:
    """Try each change, `jobs` at once. Return those that no test notices. Raises: SystemExit if tests fail
    without a change."""
    with tempfile.TemporaryDirectory() as folder:
        trees = [Tree(Path(folder) / str(job)) for job in range(jobs)]
        limits_s = {path: limits(trees[0], path) for path in dict.fromkeys(mutant.path for mutant in mutants)}
        free: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for tree in trees:
            free.put(tree)

        def lives(mutant: Mutant) -> bool:
            tree = free.get()
            try:
                found = tree.lets_live(mutant, limits_s[mutant.path])
                noticed = "hung    " if tree.hung else "killed  "
            finally:
                free.put(tree)
            if not quiet:
                print(f"{'SURVIVED' if found else noticed} {mutant}", flush=True)
            return found

        with ThreadPoolExecutor(jobs) as pool:
            found = list(pool.map(lives, mutants))
    return [mutant for mutant, alive in zip(mutants, found, strict=True) if alive]
