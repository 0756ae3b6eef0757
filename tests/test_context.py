"""Pipeline and test harness have every request that a node may make, with the same parameters."""

from __future__ import annotations

import inspect

from vflow import Harness, Pipeline, load
from vflow.context import Context
from vflow_nodes.null import Null

GRAPH = "vflow: 1\nnodes: {tone: {use: test_tone}, end: {use: null}}\nlinks: [tone -> end]"


def test_who_runs_a_node_answers_all_its_requests() -> None:
    asked = {name: member for name, member in vars(Context).items() if not name.startswith("_")}
    assert len(asked) > 20
    pipeline = Pipeline(load(GRAPH))
    for runs in (pipeline.nodes["end"].ctx, Harness(Null())):
        for name, member in asked.items():
            found = getattr(runs, name)
            if callable(member):
                _, *expected = inspect.signature(member).parameters
                assert [*inspect.signature(found).parameters] == expected, name
