"""Play scenes to a pipeline, one after the other, each in a conversation of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vflow.bench.battery.charged import charged
from vflow.bench.battery.outcome import Outcome, judge
from vflow.bench.battery.played import HoldLog, Played, both_channels, read, sounding
from vflow.bench.battery.scene import Scene
from vflow.bench.battery.scene_script import SceneScript
from vflow.bench.bench_run import load_for_bench
from vflow.bench.microphone import microphone
from vflow.bus import Message
from vflow.clock import Clock, ManualClock, SystemClock
from vflow.graph.graph import Graph
from vflow.graph.registry import NodeClass
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline

PLACES = "vflow-battery-heard.wav", "vflow-battery-said.wav"
"""The files in the graph that is loaded; each scene has its own in their place."""
Told = Callable[[int, int, str], None]
"""Takes the number of the scene, the number of scenes, and its name."""


@dataclass(frozen=True, slots=True)
class SceneResult:
    """A scene that was played, its verdict, and the name of its wav."""

    played: Played
    outcome: Outcome
    wav: str


class BatteryRun:
    """A graph whose scenes can be played: `with BatteryRun(...) as run: for result in run.results(): ...`.

    The models are loaded once. With `fast`, time is virtual. A wav of two channels per scene is in `folder`.
    """

    def __init__(
        self,
        file: str,
        overrides: Mapping[str, str],
        scenes: Sequence[Scene],
        folder: Path,
        fast: bool = False,
        nodes: Mapping[str, NodeClass] | None = None,
    ) -> None:
        """Raises: GraphError if something that the graph needs is missing here."""
        self.scenes, self._folder, self._fast = scenes, folder, fast
        self._microphone = microphone()
        self._places = folder / PLACES[0], folder / PLACES[1]
        graph = load_for_bench(file, overrides, nodes, self._microphone, *self._places)
        self.graph = charged(graph) if fast else graph
        self._keeps_models = Pipeline(self._recording_to(*_recordings(folder / "models.wav")))
        self._listeners: list[Callable[[Message], None]] = []
        self._stopping = threading.Event()
        self._over = threading.Event()

    def listen(self, listener: Callable[[Message], None]) -> None:
        """Call `listener` with the messages of all scenes."""
        self._listeners.append(listener)

    def open(self) -> None:
        """Load the models. Blocks. Raises: NodeError."""
        for listener in self._listeners:
            self._keeps_models.bus.listen(listener)
        self._keeps_models.open()

    def close(self) -> None:
        """Give the models back; may be called twice."""
        self._keeps_models.stop()
        for recording in _recordings(self._folder / "models.wav"):
            recording.unlink(missing_ok=True)

    def stop(self) -> None:
        """End the scene that plays, and play no more; any thread."""
        self._stopping.set()
        self._over.set()

    def results(self, told: Told) -> Iterator[SceneResult]:
        """Play the scenes, and yield the result of each. Raises: NodeError if a node fails; OSError."""
        for number, scene in enumerate(self.scenes, 1):
            if self._stopping.is_set():
                return
            told(number, len(self.scenes), scene.name)
            wav = self._folder / f"{number:02d}-{scene.name}.wav"
            heard, said = _recordings(wav)
            try:
                played = self._play(scene, heard, said)
                if self._stopping.is_set():
                    return
                both_channels(heard, said, wav)
            finally:
                for recording in (heard, said):
                    recording.unlink(missing_ok=True)
            yield SceneResult(played, judge(played), wav.name)

    def _play(self, scene: Scene, heard: Path, said: Path) -> Played:
        graph = self._recording_to(heard, said)
        clock: Clock = ManualClock() if self._fast else SystemClock()
        pipeline, log, holds = Pipeline(graph, clock=clock), TurnLog(graph), HoldLog()
        over = self._over = threading.Event()
        with contextlib.ExitStack() as standing_still:

            def end() -> None:
                standing_still.enter_context(clock.busy())  # or much could happen before it is stopped
                over.set()

            def listen(message: Message) -> None:
                if message.kind in ("error", "eos"):
                    over.set()

            script = self._microphone.script = SceneScript(scene, log, end)
            for listener in (log.listen, holds.listen, listen, *self._listeners):
                pipeline.bus.listen(listener)
            try:
                pipeline.start()
                if not self._stopping.is_set():
                    over.wait()
            finally:
                pipeline.stop()
        if pipeline.failure is not None:
            raise pipeline.failure
        if not self._stopping.is_set():
            log.refine(heard, said if said.is_file() else None)
        agent = sounding(*read(said))
        return Played(scene, script.sounded, agent, log.snapshot(), holds.ended)

    def _recording_to(self, heard: Path, said: Path) -> Graph:
        """Return the graph with these files for microphone and speaker."""
        files = zip(self._places, ("keep", "file"), (heard, said), strict=True)
        nodes = dict(self.graph.nodes)
        for place, prop, file in files:
            for name, node in self.graph.nodes.items():
                if node.values.get(prop) == str(place):
                    nodes[name] = replace(node, values={**node.values, prop: str(file)})
        return replace(self.graph, nodes=nodes)


def _recordings(wav: Path) -> tuple[Path, Path]:
    """Return the files of the microphone and of the speaker, of which a scene's wav is made."""
    return wav.with_suffix(".heard.wav"), wav.with_suffix(".said.wav")
