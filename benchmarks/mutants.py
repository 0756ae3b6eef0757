"""Check whether the tests guard each line: change one thing in a file, and list the changes that no test
notices.

    python benchmarks/mutants.py [FILE ...] [--per-file N | --all] [--seed N] [--jobs N] [--list] [--json]

FILE is a key of `GUARDS` in mutation/guards.py, whole or its end (`link.py`); by default all keys. Each
change (a mutant) is made in a copy of the tree, and the tests that guard the file are run there, those of its
own name first, until one fails. A run that takes much longer than without a change is stopped, and counts as
noticed (`hung`). If tests fail without a change, the script ends.

A survivor is printed as `file:line: was -> is`. Some are equivalent: no input distinguishes them. Read each
one, and either write the missing test or simplify the line.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import time

from mutation.changes import Mutant, mutants_of
from mutation.guards import GUARDS, ROOT
from mutation.trial import survivors

PER_FILE = 12


def chosen(paths: list[str], per_file: int | None, seed: int) -> list[Mutant]:
    """Return `per_file` random changes of each file, the same for the same seed; all of them for None."""
    picked = []
    for path in paths:
        found = mutants_of(path, (ROOT / path).read_text())
        if per_file is not None and len(found) > per_file:
            found = random.Random(f"{seed} {path}").sample(found, per_file)
        picked += sorted(found, key=lambda m: (m.line, m.column, m.to))
    return picked


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
    # a shell's background job ignores it, and tests of Ctrl-C would fail
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = time.monotonic()
    living = survivors(picked, args.jobs, quiet=args.json)
    killed = len(picked) - len(living)
    share = killed / len(picked)
    if args.json:
        target = {"value": round(share, 3), "target": 0.95, "met": share >= 0.95}
        told = {"mutants": len(picked), "killed": killed, "survivors": [str(m) for m in living]}
        print(json.dumps({**told, "targets": {"killed": target}}))
    else:
        print(f"{killed} of {len(picked)} killed ({share:.0%}) in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
