from __future__ import annotations

from pathlib import Path

import pytest

from tests import voxtral_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny Voxtral with random weights. Only to be read."""
    return voxtral_checkpoint.build(tmp_path_factory.mktemp("voxtral"))
