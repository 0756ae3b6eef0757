import importlib.util
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from vflow import MS, Harness, PropertyError, SpokenUnit, TextPacket, TurnEnd, Unavailable
from vflow.errors import Flushed
from vflow_nodes.tts.hibari import HibariTts

pytestmark = pytest.mark.skipif(bool(HibariTts.unavailable()), reason=HibariTts.unavailable())

RATE = 24_000
SENTENCES = {  # in chunks, as the word buffer makes them
    "The capital of France is Paris, which lies on the river.": (
        "The capital",
        "of France is Paris,",
        "which lies on the river.",
    ),
    "I think that you should take an umbrella today.": ("I think", "that you should take an umbrella today."),
    "A computer is a machine that follows instructions very quickly.": (
        "A computer",
        "is a machine that",
        "follows instructions very quickly.",
    ),
}


@pytest.fixture(scope="module")
def harness():
    with Harness(HibariTts()) as made:
        yield made


def say(harness, *chunks, turn=1):
    """Return the audio of each chunk, `(frames,)`."""
    heard, at = [], 0
    for text in chunks:
        harness.push(TextPacket(text=text, index=at, turn=turn))
        at += len(text.split())
        heard.append(np.concatenate([p.mono() for p in harness.pull()]))
    return heard


def quiet_ms(samples):
    """Return the longest run of 5 ms frames 40 dB below the loudest, in ms."""
    power = np.square(samples[: len(samples) // 120 * 120].reshape(-1, 120)).mean(axis=1)
    runs = "".join("q" if p < power.max() * 1e-4 else "." for p in power)
    return 5 * max(map(len, re.findall("q+", runs)), default=0)


@pytest.mark.parametrize(("sentence", "chunks"), SENTENCES.items())
def test_chunks_join_without_a_hole(harness, sentence, chunks):
    heard = say(harness, *chunks)
    for before, after, text in zip(heard, heard[1:], chunks, strict=False):
        if text[-1].isalpha():
            assert quiet_ms(np.concatenate([before[-RATE // 4 :], after[: RATE // 4]])) <= 120
    assert all(abs(piece[0]) < 1e-3 and abs(piece[-1]) < 1e-3 for piece in heard)


@pytest.mark.skipif(not importlib.util.find_spec("moonshine_voice"), reason="needs moonshine-voice")
def test_chunked_speech_is_understood(harness):
    import moonshine_voice
    from moonshine_voice import ModelArch, Transcriber

    folder = os.path.join(os.path.dirname(moonshine_voice.__file__), "assets", "tiny-en")
    transcriber = Transcriber(folder, ModelArch.TINY, options={"vad_threshold": "0"})
    for sentence, chunks in SENTENCES.items():
        speech = np.concatenate(say(harness, *chunks))
        lines = transcriber.transcribe_without_streaming(speech.tolist(), RATE).lines
        heard = " ".join(line.text for line in lines)
        assert re.findall(r"\w+", heard.lower()) == re.findall(r"\w+", sentence.lower())
    transcriber.close()


def test_speech_is_audible_within_60_ms(harness):
    for (speech,) in (say(harness, text) for text in ("The capital", "She sells", "Fish and", "Hello.")):
        assert np.flatnonzero(np.abs(speech) > 0.02 * np.abs(speech).max())[0] <= 0.06 * RATE


def test_the_same_text_gives_the_same_samples(harness):
    first, second = say(harness, "Say it again", "Say it again")
    assert np.array_equal(first, second)


def test_words_are_marked_in_order_with_turn_and_index(harness):
    harness.push(TextPacket(text="Paris, **France** 🙂 costs $5.", index=3, turn=8))
    packets = harness.pull()
    spans = [s for p in packets for s in p.spans]
    assert [(s.index, s.word) for s in spans] == [
        (3, "Paris,"), (4, "**France**"), (5, "🙂"), (6, "costs"), (7, "$5."),
    ]  # fmt: skip
    assert {s.turn for s in spans} == {p.turn for p in packets} == {8}
    assert max(p.duration_ns for p in packets) <= 100 * MS


@pytest.mark.parametrize("text", ["...", "🙂", "*", "—", "()"])
def test_text_that_cannot_be_spoken_becomes_silence(harness, text):
    (packet,) = harness.push(TextPacket(text=text, turn=1))
    assert not packet.data.any()
    assert [s.word for s in packet.spans] == [text]
    harness.pull()


def test_another_script_is_told_once_and_counts_as_not_heard():
    with Harness(HibariTts()) as harness:
        for text in ("日本語", "Привет, мир."):
            harness.push(TextPacket(text=text, turn=1))
            assert not any(packet.data.any() or packet.spans for packet in harness.pull())
        (warning,) = [m.text for m in harness.messages if m.kind == "warning"]
    assert "the voice heart cannot say '日本語'" in warning


def test_voice_says_the_spoken_form(harness):
    units = (SpokenUnit("No. 5", "number five"), SpokenUnit("is", "is"))
    harness.push(TextPacket(text="No. 5 is", units=units))
    written = np.concatenate([p.mono() for p in harness.pull()])
    (plain,) = say(harness, "number five is")
    assert np.array_equal(written, plain)


def test_markup_is_not_spoken(harness):
    marked, plain = say(harness, "**Hello** `there`", "Hello there")
    assert np.array_equal(marked, plain)


def test_sentences_of_one_chunk_are_joined_by_a_pause(harness):
    (both,) = say(harness, "Yes. I do")
    assert 250 <= quiet_ms(both[: -RATE // 10]) <= 400


def test_speed_shortens_speech():
    with Harness(HibariTts(speed=2.0)) as fast, Harness(HibariTts()) as normal:
        text = "The capital of France is Paris"
        ratio = len(say(fast, text)[0]) / len(say(normal, text)[0])
    assert 0.4 <= ratio <= 0.65


def test_a_flush_ends_a_chunk_between_two_packets(harness):
    looks = []

    def flush_at_third_look():
        looks.append(1)
        if len(looks) == 3:
            raise Flushed

    harness.on_look = flush_at_third_look
    try:
        assert len(harness.push(TextPacket(text="A rather long sentence to be spoken", turn=1))) == 2
    finally:
        harness.on_look = lambda: None
        harness.pull()


def test_turn_end_follows_the_audio(harness):
    harness.push(TextPacket(text="Bye", turn=1))
    harness.event(TurnEnd(turn=1))
    assert isinstance(harness.pull()[-1], TurnEnd)


def test_one_model_serves_threads_at_once(harness):
    expected = say(harness, "One two three four five")[0]
    model = harness.node._model
    got = []

    def work():
        (sentence,) = model.phonemes("One two three four five")
        got.append(model.samples(sentence, 1.0))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(got) == 4
    assert all(np.array_equal(one, got[0]) for one in got)
    assert len(got[0]) > len(expected)  # untrimmed


PULL = "vflow models pull maureesewilliams/hibari --file voices/bf_emma.int8.onnx"


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """Make an empty cache of the hub, so that only the package's voice is here; return its folder."""
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path / "hibari"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_voice_that_is_not_here_says_how_to_get_it(empty):
    node = HibariTts(voice="emma")
    with pytest.raises(Unavailable, match=f"not here: {PULL}; or write voice: heart"), Harness(node):
        pass


def test_the_voices_are_listed_and_those_that_are_not_here_with_the_command(empty):
    listed = dict(line.split(": ", 1) for line in HibariTts().list_voices())
    assert listed["heart"] == "en-US, female"
    assert listed["emma"] == f"en-GB, female; not here: {PULL}"


def test_a_voice_that_was_pulled_from_the_hub_speaks(empty):
    from hibari.voices import voice_path

    commit = "0" * 40
    repository = empty / "models--maureesewilliams--hibari"
    voices = repository / "snapshots" / commit / "voices"
    voices.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    (voices / "bf_emma.int8.onnx").write_bytes(Path(voice_path("heart")).read_bytes())
    listed = dict(line.split(": ", 1) for line in HibariTts().list_voices())
    assert listed["emma"] == "en-GB, female"
    with Harness(HibariTts(voice="emma")) as harness:
        assert np.abs(say(harness, "Good morning.")[0]).max() > 0.1


def test_an_unknown_voice_lists_the_known():
    with pytest.raises(Unavailable, match="it has heart"), Harness(HibariTts(voice="nobody")):
        pass


def test_speed_has_bounds():
    with pytest.raises(PropertyError, match=r"at most 2"):
        HibariTts(speed=3)
