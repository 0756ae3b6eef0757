"""Everything that `vflow doctor` finds: the machine, what is installed on it, and what a graph would gain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vflow.advice import Advice
from vflow.doctor import rules, thread_counts
from vflow.doctor.accelerator import CudaDevice, devices
from vflow.doctor.inventory import Extra, StoredModel, extras, weights
from vflow.doctor.machine import AudioNode, Machine, audio, machine
from vflow.doctor.trial_run import Loaded, trial_run
from vflow.errors import Diagnostic, describe
from vflow.graph.graph import Graph, RoleChoice
from vflow.graph.registry import Registry
from vflow.graph.resolver import Resolver
from vflow.graph.roles import ROLES
from vflow.models.progress import Progress

ORDER = ("faster", "smaller", "none")


@dataclass(slots=True)
class Examination:
    """All findings. `roles` says what plays each role; with a graph, in that graph."""

    machine: Machine
    cuda: list[CudaDevice]
    audio: list[AudioNode]
    extras: list[Extra]
    weights: list[StoredModel]
    roles: dict[str, RoleChoice]
    loaded: list[Loaded] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Notes about figures that are missing, or need care."""

    @property
    def ready(self) -> bool:
        """Whether everything that is needed is there."""
        return not any(problem.severity == "error" for problem in self.problems)


def examine(graph: Graph | None, problems: Iterable[Diagnostic], report: Progress) -> Examination:
    """Examine the machine, and a graph if there is one: load its models and measure its settings. `problems`
    are findings that are known already. Blocks; `report` hears what is going on."""
    registry = Registry()
    found = machine(report)
    report("looking for devices", None)
    cuda = devices(found.torch, measure=True)
    roles = dict(graph.roles) if graph is not None else _roles(Resolver(registry))
    result = Examination(found, cuda, audio(registry), extras(), weights(), roles, problems=list(problems))
    result.problems += rules.namesake()
    result.problems += rules.openmp()
    result.problems += rules.threads(found)
    result.problems += rules.devices(found, cuda, graph)
    result.notes += rules.busy(found)
    if graph is not None:
        _examine(graph, registry, result, report)
    result.problems = _distinct(result.problems)
    return result


def _examine(graph: Graph, registry: Registry, result: Examination, report: Progress) -> None:
    result.problems += rules.echo(graph)
    resolver = Resolver(registry)
    missing = {name for name, choice in graph.roles.items() if resolver.problem(choice.taken)}
    here = _roles(resolver)
    result.roles.update({name: here[graph.roles[name].role] for name in missing})
    with trial_run(graph, missing, report) as trial:
        result.advice += trial.advice()
    result.loaded, result.problems = trial.loaded, result.problems + trial.problems
    result.advice += rules.speculation(graph)
    try:
        result.advice += thread_counts.advice(graph, trial.loaded, result.machine.usable_cores, report)
    except Exception as error:  # the node's own code, which could be opened before
        text = f"the numbers of threads could not be compared: {describe(error)}"
        result.problems.append(Diagnostic(text, severity="warning"))
    result.notes += thread_counts.not_compared(trial.loaded)
    result.advice.sort(key=lambda advice: (ORDER.index(advice.effect), -(advice.ratio or 0)))


def _roles(resolver: Resolver) -> dict[str, RoleChoice]:
    """Return what plays each role on this machine; `taken` is '' if nothing can."""
    found = {}
    for role in ROLES:
        candidates = resolver.candidates(role)
        at = next((n for n, candidate in enumerate(candidates) if not candidate.problem), None)
        better = tuple(f"{c.name}: {c.problem}" for c in candidates[:at])
        found[role] = RoleChoice(role, "" if at is None else candidates[at].name, better)
    return found


def _distinct(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort errors first, and drop problems with the same message as an earlier one."""
    by_message: dict[str, Diagnostic] = {}
    for problem in sorted(problems, key=lambda p: p.severity != "error"):
        by_message.setdefault(problem.message, problem)
    return list(by_message.values())
