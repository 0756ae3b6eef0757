"""Draw the turns on a time line, as an SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

LEFT, ROW, TOP, SCALE = 220, 34, 40, 40
"""Pixels: width of the names, height of a row, space above the rows, width of a second."""
VOICE, WAIT, REPLY, CUT = "#4c78a8", "#aaaaaa", "#54a24b", "#e45756"
MARKS = (
    ("decided", "| decided", "black", 1, 11),
    ("first_word", "| first word", "#7b3fa0", 11, 21),
    ("flushed", "| interrupted", CUT, 1, 21),
)
"""Moments drawn as lines: name, legend, colour, first and last pixel of the row. Two may fall together."""
LEGEND = (
    ("the user", VOICE),
    ("the wait", WAIT),
    ("the reply", REPLY),
    *((legend, colour) for _, legend, colour, *_ in MARKS),
    ("ms: the wait", "#555"),
)
ENTRY = 100
"""Width of an entry of the legend, in pixels."""
WIDEST = 20.0
"""Longest row, in seconds; anything longer is cut there."""


def draw(found: dict[str, Any]) -> str:
    """Return a row for each turn, from the start of the user's speech: the voice, the wait, the reply, the
    flush.

    `found` is the object that `--json` prints.
    """
    said = {step["turn"]: step["said"] for step in found["scenario"] if step["turn"] is not None}
    turns = [turn for turn in found["turns"] if turn["at_ms"]["speech_start"] is not None]
    rows = [list(_row(turn, said.get(turn["turn"], ""))) for turn in turns]
    longest = min(WIDEST, max((_length_s(turn) for turn in turns), default=1.0))
    width = LEFT + max(int(longest * SCALE) + 40, ENTRY * len(LEGEND))
    height = TOP + ROW * len(rows) + 10
    body = [
        f'<g transform="translate(0 {TOP + ROW * number})">{"".join(row)}</g>'
        for number, row in enumerate(rows)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            ' font-family="sans-serif" font-size="11">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            *_legend(found),
            *_seconds(int(longest), height),
            *body,
            "</svg>",
            "",
        ]
    )


def _length_s(turn: dict[str, Any]) -> float:
    at: dict[str, float] = turn["at_ms"]
    moments = [at[name] for name in ("voice_off", "decided", "silent", "flushed") if at[name] is not None]
    return (max(moments, default=at["speech_start"]) - at["speech_start"]) / 1000


def _row(turn: dict[str, Any], said: str) -> Iterator[str]:
    at: dict[str, float | None] = turn["at_ms"]
    start, v2v = at["speech_start"] or 0.0, turn["latency_ms"]["v2v"]

    def x(moment: str) -> float | None:
        ms = at[moment]
        return None if ms is None else round(LEFT + min(WIDEST, (ms - start) / 1000) * SCALE, 1)

    yield f'<text x="4" y="14">{turn["turn"]}. {escape(said[:34])}</text>'
    for begin, end, colour in (
        ("speech_start", "voice_off", VOICE),
        ("voice_off", "audible", WAIT),
        ("audible", "silent", REPLY),
    ):
        left, right = x(begin), x(end)
        if left is not None and right is not None and right > left:
            yield f'<rect x="{left}" y="4" width="{round(right - left, 1)}" height="14" fill="{colour}"/>'
    for moment, _, colour, top, bottom in MARKS:
        if (place := x(moment)) is not None:
            ends = f'x1="{place}" x2="{place}" y1="{top}" y2="{bottom}"'
            yield f'<line {ends} stroke="{colour}" stroke-width="1.5"/>'
    audible = x("audible")
    if v2v is not None and audible is not None:
        yield f'<text x="{audible + 3}" y="31" fill="#555">{v2v:.0f} ms</text>'


def _legend(found: dict[str, Any]) -> Iterator[str]:
    yield f'<text x="4" y="14" font-weight="bold">{escape(found["pipeline"])}</text>'
    for number, (name, colour) in enumerate(LEGEND):
        yield f'<text x="{LEFT + ENTRY * number}" y="14" fill="{colour}">{name}</text>'


def _seconds(longest: int, height: int) -> Iterator[str]:
    for second in range(longest + 1):
        at = LEFT + second * SCALE
        yield f'<line x1="{at}" x2="{at}" y1="{TOP - 6}" y2="{height}" stroke="#eee"/>'
        yield f'<text x="{at}" y="{TOP - 10}" fill="#999">{second} s</text>'
