"""The file of a trace: JSON that `chrome://tracing` and Perfetto open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from vflow.report.report_file import write_whole


def write_trace(file: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write the entries of a trace, one per line. Raises: OSError; ValueError if `file` is no path."""
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    write_whole(file, f'{{"displayTimeUnit": "ms", "traceEvents": [\n{lines}\n]}}\n')
