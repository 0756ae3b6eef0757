"""The public names: sorted, complete, importable, and the same for type checkers."""

from __future__ import annotations

import ast
from pathlib import Path

import vflow


def test_all_is_sorted_and_every_name_is_there() -> None:
    assert vflow.__all__ == sorted(vflow.__all__)
    assert all(getattr(vflow, name) is not None for name in vflow.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(vflow.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    names = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names == set(vflow.__all__)


def test_importing_vflow_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import vflow, sys; assert not {'numpy', 'torch', 'yaml'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
