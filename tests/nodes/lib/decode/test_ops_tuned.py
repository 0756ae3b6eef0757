"""Each way to multiply gives what torch's does, and the fastest is kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from tests.nodes.lib.decode.models import tiny
from vflow_nodes.lib.decode import ops_torch, ops_tuned
from vflow_nodes.lib.decode.build import Options, build, warm_up
from vflow_nodes.lib.decode.forward import LlamaModel
from vflow_nodes.lib.decode.ops_tuned import TunedOps, matrix_on_the_left, with_one_row_more
from vflow_nodes.lib.decode.vocabulary import Vocabulary
from vflow_nodes.lib.decode.weights import adapt


@pytest.mark.parametrize("way", [matrix_on_the_left, with_one_row_more])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_every_candidate_computes_the_product_in_row_layout(way: ops_tuned.Way, rows: int) -> None:
    x, w = torch.randn(rows, 48), torch.randn(96, 48)
    made = way(x, w)
    torch.testing.assert_close(made, F.linear(x, w), atol=1e-4, rtol=1e-4)
    assert made.is_contiguous()


def test_fastest_candidate_is_kept_per_shape_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"linear": 1.0, "matrix_on_the_left": 0.5, "with_one_row_more": 0.4}
    monkeypatch.setattr(ops_tuned, "_seconds", lambda way, x, matrices: taken[way.__name__])
    monkeypatch.setattr(ops_tuned, "LEAST", 0)
    ops, weights = TunedOps(), adapt(tiny())
    ops.tune(weights, 3)
    assert {way.__name__ for (b, *_), way in ops._ways.items() if b == 1} == {"with_one_row_more"}
    assert {way.__name__ for (b, *_), way in ops._ways.items() if b > 1} == {"matrix_on_the_left"}
    assert {b for b, *_ in ops._ways} == {1, 2, 3}
    taken["matrix_on_the_left"] = taken["with_one_row_more"] = 0.99
    untouched = TunedOps()
    untouched.tune(weights, 3)
    assert untouched._ways == {}


@pytest.mark.parametrize("family", ["llama", "qwen2"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_step_has_the_logits_of_plain_torch(
    family: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops_tuned, "_seconds", lambda way, x, matrices: float(way is F.linear))
    monkeypatch.setattr(ops_tuned, "LEAST", 0)
    weights, ops = adapt(tiny(family)), TunedOps()
    ops.tune(weights, rows)
    assert ops._ways
    slots, position, ids = torch.arange(rows), torch.zeros(rows, dtype=torch.int64), torch.arange(3, 3 + rows)
    made: list[Any] = [
        LlamaModel(weights, 4, 64, each).decode(slots, position, ids, 1) for each in (ops_torch, ops)
    ]
    torch.testing.assert_close(made[1], made[0], atol=1e-4, rtol=1e-4)


def test_an_engine_in_float32_is_tuned_when_it_is_warmed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops_tuned, "_seconds", lambda way, x, matrices: float(way is F.linear))
    monkeypatch.setattr(ops_tuned, "LEAST", 0)
    model = tiny()
    pieces = [b" w%d" % n for n in range(model.config.vocab_size)]
    engine = build(model, Vocabulary(pieces, frozenset([2])), Options(slots=2, context=64)).start()
    try:
        assert engine.stats()["kernels"] == "tuned"
        warm_up(engine, 2, 32)
        stepper: Any = engine.device
        assert {rows for rows, *_ in stepper.model.ops._ways} == {1, 2}
    finally:
        engine.close()
    plain = build(model, Vocabulary(pieces, frozenset([2])), Options(slots=2, context=64, kernels="torch"))
    assert plain.stats()["kernels"] == "torch"
