from __future__ import annotations

from pathlib import Path

import pytest

from vflow.cli.folders import refuse_unwritable
from vflow.errors import GraphError


def test_a_folder_that_can_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    refuse_unwritable("--output", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none", "x" * 300])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(GraphError, match="--output: no such folder; make it first"):
        refuse_unwritable("--output", str(tmp_path / name))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="CUDA or not, there is no /proc here")
def test_a_folder_that_cannot_be_written_to_is_refused() -> None:
    with pytest.raises(GraphError, match="--output: nothing can be written there"):
        refuse_unwritable("--output", "/proc")
