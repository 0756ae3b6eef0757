from __future__ import annotations

from pathlib import Path

import pytest

from tests import voxtral_checkpoint


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory with a tiny Voxtral without tokenizer; needs no mistral-common. Do not write to it."""
    directory = tmp_path_factory.mktemp("weights")
    voxtral_checkpoint.write_model(directory)
    return directory


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory with a tiny Voxtral with random weights. Do not write to it."""
    return voxtral_checkpoint.build(tmp_path_factory.mktemp("voxtral"))
