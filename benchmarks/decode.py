"""Compare the decode engine with transformers' `generate`, and with the limits of the device.

    python benchmarks/decode.py --part checks|engine|profile|hf|turn|soak [--size tiny|127m|3b ...]
                                [--device cpu|cuda] [--quick] [--minutes 3]
                                [--json OUT.json] [--picture OUT.png]
    python benchmarks/decode.py --from OUT-engine.json --picture OUT.png

Runs from the tree with torch, transformers and numpy; pictures need matplotlib, Triton's kernels triton.
Models have random weights, drawn on the device. Several parts may be named, with commas: they share the
model, and each has its file, OUT-checks.json and so on. A file is rewritten after each measurement, so that
a run that is stopped loses nothing. The exit code is 1 if a check or a measurement failed; a missed target is
only printed.

| part | measured |
|---|---|
| checks | graph = eager, kernels = torch's, logits and tokens = transformers', no hidden sync, int8's error |
| engine | ms a step by batch, context, type and kernels, share of the read bandwidth; prefill and encoder |
| profile | the kernels of a captured step, and how long each takes (CUDA) |
| hf | ms a token beside `generate` (dynamic; static and compiled on CUDA) and a loop that always waits |
| turn | end of speech to first word; the same of a confirmed speculation; cancel; warm-up |
| soak | many sessions at the pace of speech: first word, errors, and whether memory stays flat |
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "nodes")]

import torch  # noqa: E402  # the paths come first
from decoding.record import Record, about  # noqa: E402
from decoding.setting import Setting  # noqa: E402
from decoding.sizes import SIZES  # noqa: E402

PARTS = ("checks", "engine", "profile", "hf", "turn", "soak")


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", default="", help=f"one or more of {','.join(PARTS)}")
    parser.add_argument("--size", nargs="+", choices=SIZES, help="tiny; on CUDA 3b (hf on a CPU: tiny 127m)")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="cuda where it is")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="float32; on CUDA bfloat16")
    parser.add_argument("--kernels", choices=("auto", "torch", "compiled", "triton"), default="auto")
    parser.add_argument("--seed", type=int, help="of weights and prompts; drawn anew if not given")
    parser.add_argument("--quick", action="store_true", help="half the measurements, or fewer")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long to soak")
    parser.add_argument("--sessions", type=int, help="that soak: 32, on a CPU 4")
    parser.add_argument("--limit", type=float, default=480.0, help="seconds a part; what is later is skipped")
    parser.add_argument("--json", metavar="FILE", help="where results go")
    parser.add_argument("--picture", metavar="FILE", help="draw them (png, svg; needs matplotlib)")
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="draw an earlier result, measure nothing"
    )
    args = parser.parse_args(words)
    if args.source is not None:
        if args.picture is None:
            parser.error("--from draws an earlier result: say where with --picture")
        return args
    args.part = args.part.split(",")
    if unknown := set(args.part) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    args.device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no CUDA device; use --device cpu, or a CUDA build of torch")
    return args


def settings(args: argparse.Namespace, part: str) -> list[Setting]:
    """Return the settings to measure a part in; each makes its model when it is first needed."""
    cuda = args.device == "cuda"
    sizes = args.size or (["3b"] if cuda else ["tiny", "127m"] if part == "hf" else ["tiny"])
    dtype = getattr(torch, args.dtype or ("bfloat16" if cuda else "float32"))
    seed = secrets.randbelow(1 << 31) if args.seed is None else args.seed
    sessions = args.sessions or (32 if cuda else 4)
    device = torch.device(args.device)
    more = {"quick": args.quick, "minutes": args.minutes, "sessions": sessions, "kernels": args.kernels}
    return [Setting(SIZES[name], device, dtype, seed, **more) for name in sizes]


def numbered(name: str | None, part: str, parts: list[str]) -> Path | None:
    """Return the file for the result of a part; with several parts its name contains the part's."""
    if name is None:
        return None
    path = Path(name)
    return path if len(parts) == 1 else path.with_name(f"{path.stem}-{part}{path.suffix}")


def measure(args: argparse.Namespace, part: str, known: dict[str, Setting]) -> Record:
    """Measure one part at each of its sizes. `known` keeps settings, with their models, between parts."""
    module = importlib.import_module(f"decoding.{part}")
    wanted = [known.setdefault(each.size.name, each) for each in settings(args, part)]
    for name in known.keys() - {each.size.name for each in wanted}:
        del known[name]  # frees its model
    told = about(
        torch.device(args.device),
        sizes=[each.size.name for each in wanted],
        dtype=wanted[0].named,
        seed=wanted[0].seed,
        quick=args.quick,
        switch_interval_s=sys.getswitchinterval(),
    )
    record = Record(part, told, numbered(args.json, part, args.part), args.limit)
    for setting in wanted:
        module.run(record, setting)
        if setting.problem:
            record.failures[f"{setting.size.name}: Triton's kernels in the engine"] = setting.problem
    record.write()
    return record


def draw(record: Record, path: Path | None) -> None:
    if path is None:
        return
    if importlib.util.find_spec("matplotlib") is None:
        record.say("no picture: matplotlib is not installed (pip install matplotlib)")
        return
    from decoding import picture

    def drawn() -> None:
        record.say(f"drawn: {path}" if picture.draw(record.result(), path) else "nothing to draw")

    record.attempt("picture", drawn)


def redrawn(source: Path, path: Path) -> bool:
    """Draw the result file of an earlier run. Return False if it has nothing to draw."""
    from decoding import picture

    return picture.draw(json.loads(source.read_text()), path)


def main(words: list[str] | None = None) -> int:
    args = parse(words)
    if args.source is not None:
        return 0 if redrawn(Path(args.source), Path(args.picture)) else 1
    sys.setswitchinterval(1e-4)  # as vflow's pipelines do
    known: dict[str, Setting] = {}
    good = True
    for part in args.part:
        record = measure(args, part, known)
        draw(record, numbered(args.picture, part, args.part))
        for name, figure in record.targets.items():
            print(f"{name:24} {figure.what:64} {figure.value:10.4g} {figure.unit:4} target "
                  f"{'>=' if figure.at_least else '<='} {figure.target:g}: "
                  f"{'met' if figure.met else 'MISSED'}")  # fmt: skip
        for name, reason in record.failures.items():
            print(f"FAILED  {name}: {reason}")
        for name, check in record.checks.items():
            if not check["passed"]:
                print(f"FAIL    {name}: {check}")
        record.say(f"done: {len(record.checks)} checks, {'good' if record.good else 'FAILED'}")
        good = good and record.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
