"""Choose the files of a hub repository to pull: those that transformers loads, or those that are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from vflow.errors import Unavailable
from vflow.models import hub_cache

_TEXTS = re.compile(
    r"(additional_chat_templates/)?[\w-][\w.-]*\.(json|txt|model|spm|bpe|vocab|tiktoken|jinja|md)"
    r"|(LICEN[SC]E|NOTICE|COPYING|USE_POLICY)[\w.-]*"
)
"""Configs, tokenizers, templates, licences. No code: vflow runs none from a repository."""
_OTHER_WEIGHTS = re.compile(r"[\w-][\w.-]*\.safetensors")
_SHARD = r"-\d{5}-of-\d{5}"
_SHOWN = 5
"""Most file names in an error."""


def is_plain(name: str) -> bool:
    """Return whether a listed name may be shown on a terminal and stored in a folder; others are skipped."""
    steps = set(name.split("/"))
    return name.isprintable() and not steps & {"", ".", ".."} and not set(name) & {"\\", ":"}


def needed(name: str, files: Collection[str]) -> list[str]:
    """Return the files of a repository that are needed to run it.

    Take one format of weights: safetensors before PyTorch's, one file before shards, the names that
    transformers looks for before others (`consolidated.safetensors` holds the same weights again).
    Raises: Unavailable for a repository that transformers could not load.
    """
    foreign = Counter(PurePosixPath(file).suffix for file in files if file.endswith(hub_cache.FOREIGN))
    suffix = foreign.most_common(1)[0][0] if foreign else ".onnx"
    mend = f"name the files that you want: vflow models pull {name} --file '*{suffix}'"
    if "config.json" not in files:
        raise Unavailable(f"{name} holds no config.json, so it is no model for transformers; {mend}")
    weights = _weights(files)
    if not weights:
        found = ", ".join(f"{count} {kind}" for kind, count in foreign.items()) or "none at all"
        mend = f"take a repository with safetensors, or {mend}"
        raise Unavailable(f"{name} holds no weights that transformers loads ({found}); {mend}")
    texts = [file for file in files if _TEXTS.fullmatch(file) and not file.endswith(".index.json")]
    return [*texts, *weights]


def _weights(files: Collection[str]) -> list[str]:
    """Return the files of one format of weights, with the index of its shards."""
    for single, index in hub_cache.INDEX_OF.items():
        if single in files:
            return [single]
        if index in files:
            stem, _, suffix = single.rpartition(".")
            shard = re.compile(rf"{re.escape(stem)}{_SHARD}\.{suffix}")
            return [index, *(file for file in files if shard.fullmatch(file))]
    return [file for file in files if _OTHER_WEIGHTS.fullmatch(file)]


def matching(name: str, sizes: Mapping[str, int], patterns: Sequence[str]) -> list[str]:
    """Return the files that a pattern matches, by the rules of fnmatch: `*` matches `/` too.

    Raises: Unavailable for a pattern that matches none; the text names the largest files of the repository.
    """
    for pattern in patterns:
        if not any(fnmatchcase(file, pattern) for file in sizes):
            largest = sorted(sizes, key=lambda file: (-sizes[file], file))
            there = ", ".join(largest[:_SHOWN]) or "no file at all"
            more = f" and {len(largest) - _SHOWN} more" if len(largest) > _SHOWN else ""
            raise Unavailable(f"no file of {name} matches {pattern!r}; it holds {there}{more}")
    return [file for file in sizes if any(fnmatchcase(file, pattern) for pattern in patterns)]
