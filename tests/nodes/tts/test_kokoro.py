import numpy as np
import pytest

from vflow import MS, Harness, TextPacket, Unavailable, models
from vflow_nodes.tts.kokoro import LONGEST, KokoroTts

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


def test_text_that_cannot_be_spoken_becomes_silence(harness):
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


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the model, and two voices with a file each."""
    (tmp_path / "kokoro.onnx").symlink_to(models.path(MODEL) / "kokoro.onnx")
    with np.load(models.path(MODEL) / "voices_ja.npz") as voices:
        styles = [voices[name] for name in voices.files[:2]]
    for name, style in zip(("am_first", "bf_second"), styles, strict=True):
        style.astype(np.float32).tofile(tmp_path / f"{name}.bin")
    (tmp_path / "notes.bin").write_bytes(b"no voice")
    return tmp_path


def test_voices_of_which_each_has_a_file_are_listed_and_spoken(folder):
    model = str(folder / "kokoro.onnx")
    assert list(KokoroTts(model=model).list_voices()) == ["am_first: en-US, male", "bf_second: en-GB, female"]
    with Harness(KokoroTts(model=model, voice="bf_second")) as made:
        made.push(TextPacket(text="Good morning.", turn=1))
        assert np.abs(np.concatenate([p.mono() for p in made.pull()])).max() > 0.1


def test_a_voice_without_a_file_lists_the_known(folder):
    node = KokoroTts(model=str(folder / "kokoro.onnx"), voice="nobody")
    with pytest.raises(Unavailable, match="no voice 'nobody'; it has am_first, bf_second"), Harness(node):
        pass


def test_the_voices_of_models_that_can_be_pulled_are_listed_or_how(monkeypatch, tmp_path):
    assert "jf_alpha: en-US with a Japanese accent, female; model: kokoro-ja" in KokoroTts().list_voices()
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path))
    assert list(KokoroTts().list_voices()) == [
        f"more with model: {name}, which is not here: vflow models pull {name}"
        for name in ("kokoro-en", MODEL)
    ]
    with pytest.raises(Unavailable, match="vflow models pull kokoro-en"):
        list(KokoroTts(model="kokoro-en").list_voices())


def test_the_english_voices_are_as_long_as_a_voice_is():
    files = models.find("kokoro-en").files
    assert {file.size for file in files if file.name.endswith(".bin")} == {(LONGEST + 1) * 256 * 4}
    assert len(files) == 9
