"""Advice and warnings that need no measuring: they follow from the graph and the machine."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from vflow import resources
from vflow.advice import Advice
from vflow.doctor.accelerator import CudaDevice
from vflow.doctor.machine import Machine
from vflow.errors import DISTRIBUTION, Diagnostic
from vflow.graph.echo_cancellation import CANCELLER, MICROPHONE, PLAYED, PROPERTY, SPEAKER, WITHOUT
from vflow.graph.graph import Graph
from vflow.graph.resolver import use_role
from vflow.packet import MS
from vflow.ports import outputs_of
from vflow.props import props_of

SPECULATE = "speculate"
TURN_PROPERTIES = {SPECULATE, "pause_after", "speech_end_after"}
"""Properties of the role `vad`. A node with all of them decides when work on a reply begins."""

NAMESAKE = "vflow"
"""The other distribution with the import name `vflow`: on the package index the name is another project's."""

BUSY = 0.5
"""Load, as a share of the cores, above which other work disturbs the measurements."""


def speculation(graph: Graph) -> Iterator[Advice]:
    """Advise how much sooner work on a reply could begin, if it is not made in advance yet."""
    for name, node in graph.nodes.items():
        if not props_of(node.cls).keys() >= TURN_PROPERTIES:
            continue
        values = node.create()
        below = sorted(graph.speculating(below=name))
        pause_ms, end_ms = (getattr(values, prop) / MS for prop in ("pause_after", "speech_end_after"))
        speculates: bool = getattr(values, SPECULATE)
        if not speculates and below and pause_ms < end_ms:
            text = f"{', '.join(below)} would begin at a pause: so long after the user's last sound, at best"
            yield Advice(SPECULATE, "true", text, "faster", end_ms, pause_ms, "ms", known=True, node=name)
        elif speculates and not below:
            text = "no node after it answers in advance"
            yield Advice(SPECULATE, "true", text, "none", known=True, node=name)


def echo(graph: Graph) -> Iterator[Diagnostic]:
    """Warn if the agent hears itself because the graph turned the echo canceller off. Where the graph has a
    warning of echo already, nothing is added."""
    microphones = [node for node in graph.nodes.values() if use_role(node.resolved) == MICROPHONE]
    speakers = [node for node in graph.nodes.values() if use_role(node.resolved) == SPEAKER]
    audible = any(PLAYED in outputs_of(node.cls) for node in speakers)
    cancelled = any(node.resolved == CANCELLER for node in graph.nodes.values())
    if not microphones or not audible or cancelled or any("echo" in warning for warning in graph.warnings):
        return
    for node in microphones:
        message = f"{node.name}: {PROPERTY} is off: the agent interrupts itself through a loudspeaker"
        yield Diagnostic(message, node.place, f"remove it, {WITHOUT}", "warning")


def devices(machine: Machine, found: list[CudaDevice], graph: Graph | None) -> Iterator[Diagnostic]:
    """Warn of a CUDA device that torch cannot use, and of nodes that are told not to use one."""
    torch = machine.torch
    idle = [device for device in found if not device.usable]
    if idle and torch is not None and not torch.problem:
        message = f"{idle[0].name} is here, but torch {torch.version} does not use it"
        mend = "install torch's build for CUDA" if torch.build == "cpu" else "update the NVIDIA driver"
        yield Diagnostic(message, None, mend, "warning")
    usable = [device for device in found if device.usable]
    for name, node in graph.nodes.items() if graph is not None and usable else ():
        if node.values.get("device") == "cpu":
            message = f"{name}: runs on the CPU because of device: cpu, although {usable[0].name} is here"
            yield Diagnostic(message, node.place, f"--set {name}.device=auto", "warning")


def namesake() -> Iterator[Diagnostic]:
    """Warn if the other distribution with the import name `vflow` is installed as well."""
    try:
        version = importlib.metadata.version(NAMESAKE)
    except importlib.metadata.PackageNotFoundError:
        return
    shared = "both are imported as vflow, and overwrite each other's files"
    again = f"pip install --force-reinstall --no-deps {DISTRIBUTION} (in a checkout: -e .)"
    yield Diagnostic(
        f"the distribution {NAMESAKE} {version} is installed beside {DISTRIBUTION}: {shared}",
        mend=f"pip uninstall {NAMESAKE}, which takes shared files with it, then {again}",
        severity="warning",
    )


def openmp() -> Iterator[Diagnostic]:
    """Warn if the environment asks for something that is no number of threads."""
    if problem := resources.openmp_problem():
        yield Diagnostic(problem, None, "set it to a number, or unset it", "warning")


def threads(machine: Machine) -> Iterator[Diagnostic]:
    """Warn if the environment asks for more threads than there are cores."""
    asked = machine.omp_num_threads
    if asked.isdecimal() and (len(asked) > 9 or int(asked) > machine.usable_cores):
        shown = asked if len(asked) < 20 else f"{asked[:20]}..."
        message = f"OMP_NUM_THREADS is {shown}, but this process may use {machine.usable_cores:g} cores"
        mend = f"set it to {max(1, int(machine.usable_cores))}, or unset it"
        yield Diagnostic(message, None, mend, "warning")


def busy(machine: Machine) -> Iterator[str]:
    """Note that other work took the cores during the measurements."""
    if machine.load is not None and machine.load > BUSY * machine.usable_cores:
        yield f"the machine is busy (load {machine.load:.1f}): what is measured now is less than it can do"
