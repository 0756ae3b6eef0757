"""Whether the tests guard the lines: changes one thing in a file, and says which changes no test noticed.

    python benchmarks/mutants.py [FILE ...] [--per-file N | --all] [--seed N] [--jobs N] [--list] [--json]

FILE is a key of `GUARDS`, whole or its end (`link.py`); without any, all of them. Each change (a mutant) is
made in a copy of the tree, and the tests of `GUARDS` are run there, those of the file's own name first, until
one fails. A run that takes much longer than without a change is stopped, and counts as noticed.

A survivor is printed as `file:line: was -> is`. Some are equivalent: no input tells them apart. Read each,
and either write the test that it asks for, or simplify the line.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("vflow", "nodes", "tests", "benchmarks", "pipelines", "docs")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md")
PER_FILE = 12
SLACK_S = 20.0
"""A run may take so much longer than four times what it takes without a change."""

_WHOLE = ("tests/test_conversation.py", "tests/runtime/test_pipeline.py", "tests/runtime/test_flusher.py")
"""Whole pipelines, which every module of the runtime has a part in."""

GUARDS: dict[str, tuple[str, ...]] = {
    "vflow/runtime/link.py": ("tests/runtime/test_link.py", "tests/runtime/test_inbox.py", *_WHOLE),
    "vflow/runtime/pending_flushes.py": ("tests/runtime/test_pending_flushes.py", *_WHOLE),
    "vflow/runtime/segment.py": (
        "tests/runtime/test_segment.py",
        "tests/runtime/test_reader_segment.py",
        "tests/runtime/test_source_segment.py",
        "tests/runtime/test_runner.py",
        "tests/runtime/test_context.py",
        *_WHOLE,
    ),
    "vflow/runtime/reader_segment.py": (
        "tests/runtime/test_reader_segment.py",
        "tests/runtime/test_segment.py",
        "tests/runtime/test_context.py",
        "tests/runtime/test_inbox.py",
        *_WHOLE,
    ),
    "vflow/runtime/source_segment.py": ("tests/runtime/test_source_segment.py", *_WHOLE),
    "vflow/runtime/coroutines.py": ("tests/runtime/test_coroutines.py", *_WHOLE),
    "vflow/runtime/flusher.py": (
        "tests/runtime/test_flusher.py",
        "tests/runtime/test_speculation.py",
        "tests/runtime/test_turn_control.py",
        "tests/test_conversation.py",
        "tests/runtime/test_watchdog.py",
    ),
    "vflow/runtime/flush_lock.py": ("tests/runtime/test_flush_lock.py", *_WHOLE),
    "vflow/runtime/speculation.py": (
        "tests/runtime/test_speculation.py",
        "tests/runtime/test_turn_control.py",
        "tests/runtime/test_watchdog.py",
        *_WHOLE,
    ),
    "vflow/runtime/held_link.py": (
        "tests/runtime/test_held_link.py",
        "tests/runtime/test_speculation.py",
        *_WHOLE,
    ),
    "vflow/playout.py": ("tests/test_playout.py", "tests/runtime/test_harness.py", *_WHOLE),
    "nodes/vflow_nodes/turn.py": ("tests/nodes/test_turn.py", "tests/test_conversation.py"),
    "nodes/vflow_nodes/word_buffer.py": ("tests/nodes/test_word_buffer.py", "tests/test_conversation.py"),
    "nodes/vflow_nodes/lib/decode/scheduler.py": (
        "tests/nodes/lib/decode/test_scheduler.py",
        "tests/nodes/lib/decode/test_properties.py",
    ),
    "nodes/vflow_nodes/lib/decode/sampling.py": ("tests/nodes/lib/decode/test_sampling.py",),
}

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
SWAPPED = {"max": "min", "min": "max", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file. Lines from 1, columns in bytes, as `ast` has them."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    was: str
    to: str

    def __str__(self) -> str:
        was, to = (" ".join(text.split()) for text in (self.was, self.to))
        return f"{self.path}:{self.line}: {was} -> {to}"

    def applied(self, source: str) -> str:
        """The source of the file with this change."""
        lines = source.encode().splitlines(keepends=True)
        head = b"".join(lines[: self.line - 1]) + lines[self.line - 1][: self.column]
        tail = lines[self.end_line - 1][self.end_column :] + b"".join(lines[self.end_line :])
        return (head + self.to.encode() + tail).decode()


def changes(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What may be changed at one node of a syntax tree: the part, and its new text."""
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[index] = COMPARISONS[type(op)]()
            yield node, f"({ast.unparse(other)})"
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, f"({ast.unparse(other)})"
        for index in range(len(node.values)):
            left = [value for at, value in enumerate(node.values) if at != index]
            yield node, f"({f' {_word(node.op)} '.join(f'({ast.unparse(value)})' for value in left)})"
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not _is_text(node):
        changed = copy.deepcopy(node)
        changed.op = OPERATORS[type(node.op)]()
        yield node, f"({ast.unparse(changed)})"
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            yield node, f"({ast.unparse(node.left)})"
            yield node, f"({ast.unparse(node.right)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node, str(node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
        yield node.func, SWAPPED[node.func.id]
    elif isinstance(node, ast.If | ast.IfExp):
        yield node.test, "True"
        yield node.test, "False"
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        changed_step = copy.deepcopy(node)
        changed_step.op = OPERATORS[type(node.op)]()
        yield node, ast.unparse(changed_step)
        yield node, "pass"
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield node, "return None"
    elif _is_removable(node):
        yield node, "pass"


def _is_removable(node: ast.AST) -> bool:
    """Whether a statement can go without making a name unknown."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await | ast.YieldFrom)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    return isinstance(node, ast.Raise | ast.Delete | ast.Continue | ast.Break)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr | ast.Constant) and not _is_number(side) for side in _sides(node)
    )


def _sides(node: ast.BinOp) -> tuple[ast.expr, ast.expr]:
    return node.left, node.right


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _word(op: ast.boolop) -> str:
    return "and" if isinstance(op, ast.And) else "or"


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that are run. Annotations and messages are left alone, and what `prop` declares: a test of a
    default would be a copy of it."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield child
                yield from _code(child)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "prop"
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom)


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every change of a file, in the order of its lines."""
    found = []
    for node in _code(ast.parse(source)):
        for part, to in changes(node):
            assert isinstance(part, ast.expr | ast.stmt)
            was = ast.get_source_segment(source, part) or ""
            end_line, end_column = part.end_lineno or part.lineno, part.end_col_offset or part.col_offset
            found.append(Mutant(path, part.lineno, part.col_offset, end_line, end_column, was, to))
    return sorted(set(found), key=lambda m: (m.line, m.column, m.to))


def chosen(paths: list[str], per_file: int | None, seed: int) -> list[Mutant]:
    """A sample of so many changes a file, the same for the same seed; all of them for None."""
    picked = []
    for path in paths:
        found = mutants_of(path, (ROOT / path).read_text())
        if per_file is not None and len(found) > per_file:
            found = random.Random(f"{seed} {path}").sample(found, per_file)
        picked += sorted(found, key=lambda m: (m.line, m.column, m.to))
    return picked


class Tree:
    """A copy of the tree in a folder of its own, where changes are made and tests are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", ".venv", ".hypothesis")
        for name in COPIED:
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)

    def passes(self, tests: tuple[str, ...], limit_s: float | None) -> bool:
        """Whether these tests pass, within the time."""
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
        try:
            return run.wait(limit_s) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()

    def lets_live(self, mutant: Mutant, limits_s: tuple[float, float]) -> bool:
        """Whether no test notices the change. The file's own tests run first, then the others."""
        path = self.folder / mutant.path
        source = path.read_text()
        own, others = GUARDS[mutant.path][:1], GUARDS[mutant.path][1:]
        path.write_text(mutant.applied(source))
        try:
            return self.passes(own, limits_s[0]) and (not others or self.passes(others, limits_s[1]))
        finally:
            path.write_text(source)


def limits(tree: Tree, path: str) -> tuple[float, float]:
    """How long the tests of a file may take, its own and the others, in seconds."""
    found = []
    for tests in (GUARDS[path][:1], GUARDS[path][1:]):
        begun = time.monotonic()
        if tests and not tree.passes(tests, None):
            raise SystemExit(f"{' '.join(tests)} fails without a change: run it and mend that first")
        found.append(SLACK_S + 4 * (time.monotonic() - begun))
    return found[0], found[1]


def run(picked: list[Mutant], jobs: int, quiet: bool) -> list[Mutant]:
    """Try each change. Returns those that survive."""
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in picked:
        waiting.put(mutant)
    survivors: list[Mutant] = []
    allowed: dict[str, tuple[float, float]] = {}
    lock = threading.Lock()

    def work(tree: Tree) -> None:
        while True:
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            with lock:
                if mutant.path not in allowed:
                    allowed[mutant.path] = limits(tree, mutant.path)
            lives = tree.lets_live(mutant, allowed[mutant.path])
            if lives:
                survivors.append(mutant)
            if not quiet:
                print(f"{'SURVIVED' if lives else 'killed  '} {mutant}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        trees = [Tree(Path(folder) / str(job)) for job in range(jobs)]
        threads = [threading.Thread(target=work, args=(tree,)) for tree in trees]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return survivors


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="files to change, by the end of their path")
    parser.add_argument("--per-file", type=int, default=PER_FILE, help="changes tried in each file")
    parser.add_argument("--all", action="store_true", help="try every change")
    parser.add_argument("--seed", type=int, default=1, help="which changes are tried")
    parser.add_argument("--jobs", type=int, default=1, help="changes tried at once")
    parser.add_argument("--list", action="store_true", help="print the changes, and try none")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    paths = [path for path in GUARDS if not args.files or any(path.endswith(end) for end in args.files)]
    if not paths:
        parser.error(f"no such file; there are {', '.join(GUARDS)}")
    picked = chosen(paths, None if args.all else args.per_file, args.seed)
    if args.list:
        print("\n".join(map(str, picked)))
        return
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background job ignores it: so do tests
    begun = time.monotonic()
    survivors = run(picked, args.jobs, quiet=args.json)
    killed = len(picked) - len(survivors)
    share = killed / len(picked)
    if args.json:
        target = {"value": round(share, 3), "target": 0.95, "met": share >= 0.95}
        told = {"mutants": len(picked), "killed": killed, "survivors": [str(m) for m in survivors]}
        print(json.dumps({**told, "targets": {"killed": target}}))
    else:
        print(f"{killed} of {len(picked)} killed ({share:.0%}) in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
