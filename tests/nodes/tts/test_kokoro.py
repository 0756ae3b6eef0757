import numpy as np
import pytest

from vflow import MS, Harness, TextPacket, Unavailable
from vflow_nodes.tts.kokoro import KokoroTts

MODEL = "kokoro-ja"
"""Pulled by `make test`; a missing model fails these tests with the command that fetches it."""


@pytest.fixture(scope="module")
def harness():
    with Harness(KokoroTts(model=MODEL)) as made:
        yield made


def test_speaks_a_chunk_with_its_words(harness):
    harness.push(TextPacket(text="The capital of", index=2, turn=5))
    packets = harness.pull()
    speech = np.concatenate([p.mono() for p in packets])
    assert 0.4 <= len(speech) / 24_000 <= 1.6
    assert np.abs(speech).max() > 0.1
    assert np.flatnonzero(np.abs(speech) > 0.02 * np.abs(speech).max())[0] <= 0.045 * 24_000
    spans = [(s.turn, s.index, s.word) for p in packets for s in p.spans]
    assert spans == [(5, 2, "The"), (5, 3, "capital"), (5, 4, "of")]
    assert max(p.duration_ns for p in packets) <= 100 * MS


def test_what_cannot_be_spoken_is_silence(harness):
    (packet,) = harness.push(TextPacket(text="...", turn=1))
    assert not packet.data.any()
    harness.pull()


def test_an_unknown_voice_lists_the_known():
    node = KokoroTts(model=MODEL, voice="nobody")
    with pytest.raises(Unavailable, match="no voice 'nobody'; it has "), Harness(node):
        pass


def test_unavailable_without_weights_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path))
    assert "put kokoro-v1.0.onnx" in KokoroTts.unavailable()


def test_a_known_model_that_is_missing_says_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match="vflow models pull kokoro-ja"), Harness(KokoroTts(model=MODEL)):
        pass


def test_a_file_that_is_not_there_is_named(tmp_path):
    node = KokoroTts(model=str(tmp_path / "none.onnx"))
    with pytest.raises(Unavailable, match=r"no file .*none\.onnx"), Harness(node):
        pass
