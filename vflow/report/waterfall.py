"""The turns of a run on a time line, as SVG: where the time of each went, and what an interruption cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from vflow.picture.svg_text import PAPER, drawn_text, number
from vflow.picture.text_width import shortened, text_width
from vflow.report.stages import parts

MARGIN, NAMES, ROW, BAR, TOP = 20.0, 240.0, 40.0, 16.0, 74.0
"""Pixels: around all, of the names, of a row, of its bar, above the rows."""
SECOND = 60.0
"""Pixels of a second."""
WIDEST_S = 20.0
"""A turn that lasts longer is cut there."""
NAME, SMALL = 14.0, 11.0
MS = 1_000_000
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no file of XML may hold."""
KINDS = {
    "user": "you speak",
    "endpoint": "your end noticed",
    "transcript": "transcript",
    "thinking": "thinking",
    "voice": "voice",
    "device": "device",
    "speaking": "the agent speaks",
}
STYLE = f"""{PAPER}
svg {{ --user: #4c78a8; --endpoint: #8a94a3; --transcript: #b08a2e; --thinking: #8a5a9e; --voice: #2f8f83;
  --device: #6b7280; --speaking: #4f9a56; --cut: #c2410c; --grid: #e6eaee; }}
@media (prefers-color-scheme: dark) {{ svg {{ --user: #6f9bd1; --endpoint: #748093; --transcript: #cfa84a;
  --thinking: #b48ac9; --voice: #4fc3b3; --device: #9aa3b0; --speaking: #6dbb74; --cut: #fb923c;
  --grid: #262e38; }} }}
.grid {{ stroke: var(--grid); }}
.strike {{ stroke: var(--cut); stroke-width: 2.5; }}
.cut {{ fill: var(--cut); }}
""" + "\n".join(f".{kind} {{ fill: var(--{kind}); }}" for kind in KINDS)


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of a row, in ms from its begin."""

    kind: str
    start_ms: float
    end_ms: float
    cut: bool = False


def waterfall(title: str, turns: Sequence[Mapping[str, Any]], said: Mapping[int, str] | None = None) -> str:
    """A row a turn, each from where the user's voice begins. `turns` are those of the report; `said` is what
    was asked, by the turn's number, where that is better known than by what was understood."""
    rows = [(turn, spans) for turn in turns if (spans := list(_spans(turn)))]
    lasts_s = min(WIDEST_S, max((spans[-1].end_ms / 1_000 for _, spans in rows), default=1.0))
    legend = 2 * MARGIN + sum(_entry(kind) for kind in (*KINDS, "cut"))
    width = max(2 * MARGIN + NAMES + SECOND * lasts_s + 60, legend)
    height = TOP + ROW * max(1, len(rows)) + MARGIN / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}"'
            f' width="{number(width)}" height="{number(height)}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{number(width)}" height="{number(height)}"/>',
            drawn_text(
                shortened(title, NAME, width - 2 * MARGIN, bold=True),
                MARGIN,
                MARGIN + 4,
                NAME,
                "name",
                "start",
            ),
            *_legend(),
            *_grid(int(lasts_s), height),
            *(
                line
                for at, (turn, spans) in enumerate(rows)
                for line in _row(turn, spans, TOP + ROW * at, said or {})
            ),
            *(
                []
                if rows
                else [drawn_text("no turn was answered", MARGIN, TOP + BAR, SMALL, "soft", "start")]
            ),
            "</svg>",
            "",
        ]
    )


def _spans(turn: Mapping[str, Any]) -> Iterator[_Span]:
    """The parts of a turn; none of one of which nothing is known."""
    at = {name: round(ms * MS) for name, ms in turn["at_ms"].items() if ms is not None}
    found = parts(at)
    for part in found:
        zero = found[0].start_ns
        yield _Span(part.name, (part.start_ns - zero) / MS, (part.end_ns - zero) / MS, part.cut)


def _row(
    turn: Mapping[str, Any], spans: Sequence[_Span], top: float, said: Mapping[int, str]
) -> Iterator[str]:
    number_of = turn["turn"]
    asked = _NO_XML.sub("\ufffd", said.get(number_of) or turn["user"] or "")
    name = shortened(f"{number_of}. {asked}", SMALL, NAMES - 12)
    about = [
        f"turn {number_of}: {asked}",
        *(f"{KINDS[s.kind]}: {_lasting(s.end_ms - s.start_ms)}" for s in spans),
    ]
    yield (
        "<g><title>"
        + escape("\n".join([*about, *(["interrupted"] if turn["interrupted"] else [])]))
        + "</title>"
    )
    yield drawn_text(name, MARGIN, top + BAR - 4, SMALL, "soft" if turn["taken_back"] else "turn", "start")
    for span in spans:
        left, right = _x(span.start_ms), _x(span.end_ms)
        bar = max(1.0, right - left)
        yield (
            f'<rect class="{span.kind}" x="{number(left)}" y="{number(top)}" width="{number(bar)}"'
            f' height="{number(BAR)}"/>'
        )
        if span.cut:
            strike = f"M{number(left)} {number(top + BAR / 2)}H{number(max(right, left + 8))}"
            yield f'<path class="strike" d="{strike}"/>'
    waited = next((ms for each in ("v2v", "compute") if (ms := turn["latency_ms"][each]) is not None), None)
    if waited is not None:
        sounds = next((s.start_ms for s in spans if s.kind == "speaking"), spans[-1].end_ms)
        yield drawn_text(_lasting(waited), _x(sounds), top + BAR + 12, SMALL, "soft", "start")
    yield "</g>"


def _x(ms: float) -> float:
    return MARGIN + NAMES + SECOND * min(WIDEST_S, ms / 1_000)


def _lasting(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1_000 else f"{ms / 1_000:.2f} s"


def _entry(kind: str) -> float:
    """The width of an entry of the legend."""
    return 16 + text_width(KINDS.get(kind, "cut: struck"), SMALL) + 16


def _legend() -> Iterator[str]:
    x, y = MARGIN, MARGIN + 14
    for kind, text in {**KINDS, "cut": "cut: struck"}.items():
        height, top = (3.0, y + 4) if kind == "cut" else (11.0, y)
        yield f'<rect class="{kind}" x="{number(x)}" y="{number(top)}" width="11" height="{number(height)}"/>'
        yield drawn_text(text, x + 16, y + 9.5, SMALL, "soft", "start")
        x += _entry(kind)


def _grid(seconds: int, height: float) -> Iterator[str]:
    for second in range(seconds + 1):
        x = _x(second * 1_000)
        yield f'<path class="grid" d="M{number(x)} {number(TOP - 8)}V{number(height - 6)}"/>'
        yield drawn_text(f"{second} s", x, TOP - 12, SMALL, "soft")
