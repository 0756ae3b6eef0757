"""The words of a transfer: bytes, their rate, and the time that is left."""

from __future__ import annotations

import pytest

from vflow.models.progress import TransferProgress, size_text


def test_a_meter_tells_rate_and_rest_of_the_last_seconds() -> None:
    told: list[tuple[str, float | None]] = []
    now = iter([0.0, 0.5, 0.55, 2.0, 3.0])
    meter = TransferProgress(lambda *what: told.append(what), 9_400_000_000, 400_000_000, lambda: next(now))
    for _ in range(5):
        meter.add(100_000_000)
    assert [text for text, _ in told] == [
        "600 MB of 9.4 GB",
        "800 MB of 9.4 GB, 200 MB/s, 0:43 left",
        "900 MB of 9.4 GB, 167 MB/s, 0:51 left",
    ]
    assert told[-1][1] == pytest.approx(0.9 / 9.4)
    slow = iter([0.0, 10.0])
    meter = TransferProgress(lambda *what: told.append(what), 9_400_000_000, 0, lambda: next(slow))
    meter.add(5_000_000)
    meter.add(5_000_000)
    assert told[-1][0] == "10 MB of 9.4 GB, 1 MB/s, 2.6 h left"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 kB"), (1_499, "1 kB"), (3_000_000, "3 MB"), (9_350_000_000, "9.3 GB")]
)
def test_sizes_are_said_as_people_read_them(count: int, text: str) -> None:
    assert size_text(count) == text
