"""A process that a node forks comes back from the node's code: it ends, and the pipeline goes on alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vflow.runtime.forks import CHILD_CAME_BACK

PROGRAM = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
from vflow import In, Node, Out, Pipeline, Text, TextPacket
from vflow.graph.loader import load_text

class Words(Node):
    out = Out(Text("word"))
    def produce(self):
        for index in range(3):
            yield TextPacket(text=str(index), index=index)

class Forks(Node):
    heavy = True
    text = In(Text("word"))
    out = Out(Text("word"), bus=True)
    def process(self, packet):
        if packet.index == 0:
            self.child = os.fork()
            if not self.child and {raises}:
                sys.exit(5)
        return packet

class Sink(Node):
    effect = True
    text = In(Text("word"))
    def process(self, packet):
        os.write(1, f"{{packet.text}} of {{'parent' if os.getpid() == PARENT else 'child'}}\\n".encode())

PARENT = os.getpid()
text = "nodes: {{a: {{use: words}}, b: {{use: forks}}, c: {{use: sink}}}}\\nlinks: [a -> b -> c]"
pipeline = Pipeline(load_text(text, nodes={{"words": Words, "forks": Forks, "sink": Sink}}))
def tell(message):
    if message.kind in ("packet", "error"):
        os.write(1, f"{{message.kind}} told by {{os.getpid() == PARENT}}\\n".encode())
pipeline.bus.listen(tell)
with pipeline:
    pipeline.wait(20)
print("child:", os.waitstatus_to_exitcode(os.waitpid(pipeline.nodes["b"].child, 0)[1]))
"""


@pytest.mark.parametrize("raises", [False, True])
def test_forked_child_that_returns_from_a_node_ends_silently(raises: bool, tmp_path: Path) -> None:
    program = PROGRAM.format(raises=raises)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[-1] == f"child: {CHILD_CAME_BACK}"
    assert [line for line in lines if "parent" in line] == ["0 of parent", "1 of parent", "2 of parent"]
    assert not [line for line in lines if "child" in line][:-1]
    assert lines.count("packet told by True") == 3
    assert "packet told by False" not in lines
    assert not [line for line in lines if line.startswith("error")]
