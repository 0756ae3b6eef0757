"""Log a server's events as lines of JSON: numbers and names only, never words that were said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from vflow.printing import write

Tell = Callable[[str, Mapping[str, Any]], None]
"""Takes the name of an event, and its fields."""


def silent(event: str, fields: Mapping[str, Any]) -> None:
    """Drop the event: the log is off."""


def as_json(event: str, fields: Mapping[str, Any]) -> None:
    """Write an event to standard error as a line of JSON, with the time in UTC."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    write(json.dumps({"at": at, "event": event, **fields}, ensure_ascii=True), sys.stderr)
