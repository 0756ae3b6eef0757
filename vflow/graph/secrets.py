"""Hide values that `${NAME}` took from the environment: messages print `${NAME}` in their place."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote

from vflow.errors import Diagnostic, repr_of
from vflow.graph.yaml_reader import scalar

_LEAST = 4
"""Shortest part of a value that is hidden too, in characters."""
_WORD = 8
"""Shortest value that is also replaced inside words, in either case. A shorter one may be a common word."""


class Secrets:
    """Values, each with the text printed in its place. Any thread may call."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def hide(self, text: str) -> str:
        """Return `text` without the values, as they are or as repr, JSON, URLs and paths write them."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._instead[(match.lastindex or 1) - 1], text)

    def hidden(self, diagnostics: Iterable[Diagnostic], file: str = "") -> list[Diagnostic]:
        """Return findings without the values; the name of `file`, the graph's own, stays."""
        return [
            replace(
                found,
                message=self.hide(found.message),
                mend=self.hide(found.mend),
                place=found.place
                if found.place is None or found.place.file == file
                else replace(found.place, file=self.hide(found.place.file)),
            )
            for found in diagnostics
        ]

    @cached_property
    def _forms(self) -> dict[str, str]:
        """All texts to look for, the longest first, so that no part of a value is left over."""
        found = {form: name for value, name in self.values.items() for form in _forms(value)}
        return dict(sorted(found.items(), key=lambda item: -len(item[0])))

    @cached_property
    def _instead(self) -> list[str]:
        return list(self._forms.values())

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(f"({_pattern(form)})" for form in self._forms)) if self._forms else None


def _forms(value: str) -> Iterator[str]:
    """Yield a value as messages may write it. One without a letter or digit gives nothing away, and stays."""
    if not any(map(str.isalnum, value)):
        return
    yield value
    if (read := scalar(value)) is not None:
        yield str(read)
    yield repr(value)[1:-1]
    if (shown := repr_of(value)) != repr(value):  # a long value, which messages cut
        yield shown.partition("...")[0][1:]
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    encodable = value.encode("utf-8", "surrogateescape")
    yield quote(encodable)
    yield quote(encodable, safe="")
    parts = [*value.splitlines(), value.strip()]
    if "/" in value:
        path = os.path.expanduser(value)
        parts += [os.path.normpath(path), os.path.abspath(path), os.path.basename(path.rstrip("/"))]
        parts.append(value.replace("/", "--"))  # folder names in the hub's cache
    yield from (part for part in parts if len(part) >= _LEAST)


def _pattern(form: str) -> str:
    """Return the pattern of a form. A short one, or one of only digits or only letters, may be an everyday
    word, and is replaced only where it stands alone."""
    found = re.escape(form)
    common = len(form) < _LEAST or form.isdigit() or (form.isalpha() and len(form) < _WORD)
    if common:
        return rf"(?<!\w)(?<!\$\{{){found}(?!\w)"
    return rf"(?<!\$\{{)(?i:{found})" if len(form) >= _WORD else rf"(?<!\$\{{){found}"
