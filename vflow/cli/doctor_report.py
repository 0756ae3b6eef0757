"""Show the findings of `vflow doctor` as text, or as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from vflow.advice import Advice
from vflow.cli.diagnostics import render
from vflow.doctor.accelerator import Torch
from vflow.doctor.examination import Examination
from vflow.doctor.inventory import StoredModel
from vflow.doctor.trial_run import Loaded
from vflow.errors import Diagnostic, install_command
from vflow.graph.graph import Graph

MB, GB = 1e6, 1e9
Row = tuple[str, str]


def as_text(file: str | None, graph: Graph | None, found: Examination) -> Iterator[str]:
    """Yield the lines: whether it can run and what prevents it, advice, then the machine."""
    yield _headline(file, found)
    for problem in found.problems:
        yield from (f"  {line}" for line in render(problem).split("\n"))
    if graph is not None:
        yield from _section("faster or smaller here", _advised(found.advice))
    yield from _section("notes", [("", note) for note in found.notes])
    yield from _section("roles", [*_roles(found)])
    yield from _section("loaded", [_loaded(node) for node in found.loaded if _is_work(node)])
    yield from _section("machine", [*_machine(found)])
    yield from _section("audio", [*_audio(found)])
    yield from _section("extras", [*_extras(found)])
    yield from _section("models", [_weights(model) for model in found.weights])


def as_json(file: str | None, graph: Graph | None, found: Examination) -> dict[str, Any]:
    """Return the same for `json.dumps`; `ready` and `graph` are null without a file."""
    advice = [{**asdict(a), "name": a.name, "measured": _is_measured(a)} for a in found.advice]
    loaded = [{**asdict(node), "libraries": sorted(node.libraries)} for node in found.loaded]
    about = {"file": file, "sound": graph is not None, "loaded": loaded, "advice": advice}
    return {
        "ready": None if file is None else found.ready,
        "problems": [_problem(problem) for problem in found.problems],
        "notes": found.notes,
        "graph": None if file is None else about,
        "roles": {name: asdict(choice) for name, choice in found.roles.items()},
        "machine": asdict(found.machine),
        "cuda": [asdict(device) for device in found.cuda],
        "audio": [asdict(node) for node in found.audio],
        "extras": [asdict(extra) for extra in found.extras],
        "models": [asdict(model) for model in found.weights],
    }


def _problem(problem: Diagnostic) -> dict[str, str]:
    place = str(problem.place) if problem.place else ""
    return {
        "severity": problem.severity,
        "message": problem.message,
        "place": place,
        "mend": problem.mend,
    }


def _headline(file: str | None, found: Examination) -> str:
    if file is None:
        idle = [role for role, choice in found.roles.items() if not choice.taken]
        return f"nothing here can play: {', '.join(idle)}" if idle else "every role can be played here"
    errors = sum(problem.severity == "error" for problem in found.problems)
    if errors:
        return f"not ready: {file} cannot run here: {errors} error{'s' if errors > 1 else ''}"
    return f"ready: {file} can run here"


def _section(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a title and its rows, with aligned columns."""
    if not rows:
        return
    width = max(len(left) for left, _ in rows)
    yield f"{title}:"
    for left, right in rows:
        yield f"  {left:<{width}}  {right}".rstrip()


def _advised(advice: Sequence[Advice]) -> list[Row]:
    rows = [row for given in advice for row in _advice(given)]
    return rows or [("nothing", "no setting is known to be better here than the one it has")]


def _advice(advice: Advice) -> Iterator[Row]:
    setting = f"{advice.name} = {advice.value}"
    if advice.effect != "none":
        yield setting, f"{advice.effect}: {_figures(advice)}"
        yield "", advice.text
    elif advice.before is None:
        yield setting, f"no effect: {advice.text}"
    else:
        compared = "" if advice.before == advice.after else f"{_figures(advice)}: "
        yield setting, f"nothing to gain: {compared}{advice.text}"


def _figures(advice: Advice) -> str:
    figures = f"{_number(advice.before)} -> {_number(advice.after)} {advice.unit}"
    if not _is_measured(advice):
        return f"{figures} (computed, not measured)"
    if advice.effect == "none" or not advice.ratio:
        return f"{figures} (measured)"
    return f"{figures}, {advice.ratio:.1f} times {advice.effect} (measured)"


def _is_measured(advice: Advice) -> bool:
    return advice.before is not None and not advice.known


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _roles(found: Examination) -> Iterator[Row]:
    for name, choice in found.roles.items():
        yield name if name == choice.role else f"{name} ({choice.role})", choice.taken or "nothing"
        for better in choice.passed_over:
            yield "", f"not {better}"


def _is_work(node: Loaded) -> bool:
    """Return whether opening a node took enough for a line."""
    return node.seconds >= 0.05 or (node.memory or 0) >= MB or node.cuda_memory > 0


def _loaded(node: Loaded) -> Row:
    taken = [] if node.memory is None else [f"{node.memory / MB:.0f} MB of memory"]
    taken += [f"{node.cuda_memory / MB:,.0f} MB on the device"] if node.cuda_memory else []
    return node.node, ", ".join([f"{node.resolved}: {node.seconds:.1f} s", *taken])


def _machine(found: Examination) -> Iterator[Row]:
    machine = found.machine
    yield "vflow", f"{machine.vflow}, Python {machine.python}, {machine.platform}"
    load = "" if machine.load is None else f", load {machine.load:.1f}"
    omp = f", OMP_NUM_THREADS={machine.omp_num_threads}" if machine.omp_num_threads else ""
    yield "cores", f"{machine.usable_cores:g} of {machine.cores} usable ({machine.cpu}){load}{omp}"
    speed = machine.memory_read_gb_s
    read = f", read at {speed:.0f} GB/s (measured)" if speed else ", too little to measure its speed"
    yield "memory", f"{_gb(machine.memory_free)} of {_gb(machine.memory_total)} free{read}"
    yield "torch", _torch(machine.torch)
    if not found.cuda:
        yield "cuda", "no device"
    for device in found.cuda:
        speed = device.read_gb_s
        read = f", read at {speed:,.0f} GB/s (measured)" if speed else ""
        unused = "" if device.usable else ", not used by torch"
        memory = f"{_gb(device.memory_free)} of {_gb(device.memory_total)} free"
        yield "cuda", f"{device.name}, {memory}{read}, driver {device.driver or 'unknown'}{unused}"
    yield "cache", f"{machine.cache}, {_gb(machine.cache_free)} free on its disk"


def _torch(torch: Torch | None) -> str:
    if torch is None:
        return f"not installed: {install_command('speech')}"
    if torch.problem:
        return f"cannot be imported: {torch.problem}"
    able = ", ".join(torch.capabilities) or "no vector unit that it names"
    blas = f"BLAS {torch.blas or 'unknown'}"
    return f"{torch.version}, build {torch.build}, {blas}, {able}, {torch.threads} threads"


def _audio(found: Examination) -> Iterator[Row]:
    for node in found.audio:
        for at, line in enumerate(node.devices):
            yield "" if at else node.name, line
    for problem in dict.fromkeys(node.problem for node in found.audio if node.problem):
        names = [node.name for node in found.audio if node.problem == problem]
        yield ", ".join(names), f"not available: {problem}"


def _extras(found: Examination) -> Iterator[Row]:
    for extra in found.extras:
        lacks = f"lacks {', '.join(extra.missing)}: {extra.mend}" if extra.missing else "complete"
        yield extra.name, lacks


def _weights(model: StoredModel) -> Row:
    demo = ", a demo model" if model.demo else ""
    where = f": {model.mend}" if model.mend else f", {model.place}"
    return model.name, f"{model.size / MB:,.0f} MB{demo}, {model.state}{where}"


def _gb(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size / GB:.1f} GB"
