"""The errors of the engine: a node that imports no torch catches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nodes.lib.decode.devices import run_alone
from vflow_nodes.lib.decode import errors


@pytest.mark.parametrize("module", ["errors", "prompt", "words"])
def test_modules_of_the_engine_that_nodes_import_load_no_torch(module: str, tmp_path: Path) -> None:
    program = f"import sys; import vflow_nodes.lib.decode.{module}; print('torch' in sys.modules)"
    done = run_alone(program, tmp_path)
    assert done.stdout == "False\n", done.stderr


def test_every_engine_error_is_a_decode_error() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) == 6
    assert all(issubclass(kind, errors.DecodeError) for kind in kinds)
