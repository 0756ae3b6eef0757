from __future__ import annotations

from pathlib import Path

import pytest

from tests import voxtral_checkpoint


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny Voxtral without its tokenizer: needs no mistral-common. Only to be read."""
    directory = tmp_path_factory.mktemp("weights")
    voxtral_checkpoint.write_model(directory)
    return directory


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny Voxtral with random weights. Only to be read."""
    return voxtral_checkpoint.build(tmp_path_factory.mktemp("voxtral"))
