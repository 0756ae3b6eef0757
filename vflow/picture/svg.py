"""Draw a picture of a graph as SVG: one file without script or fonts, light and dark, that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from vflow.graph.graph import Graph
from vflow.picture.box_shapes import LINE, NAME, SMALL, TINY
from vflow.picture.layered import Rect, Stretch
from vflow.picture.scene import HELD, MARGIN, Box, Frame, Line, Scene, scene
from vflow.picture.svg_text import PAPER, drawn_text, number
from vflow.picture.text_width import shortened, text_width

STYLE = f"""{PAPER}
svg {{ --edge: #8a94a3; --box: #f4f6f9; --frame: #b9c2ce; --source: #e3f4e8; --sink: #efe6fa;
  --generator: #e2edfc; --flushed: #c2410c; }}
@media (prefers-color-scheme: dark) {{ svg {{ --edge: #748093; --box: #1e252f; --frame: #3d4856;
  --source: #17362a; --sink: #322348; --generator: #172f4e; --flushed: #fb923c; }} }}
.box {{ fill: var(--box); stroke: var(--edge); }}
.box.source {{ fill: var(--source); }} .box.sink {{ fill: var(--sink); }}
.box.generator {{ fill: var(--generator); }}
.box.inserted {{ stroke-dasharray: 5 3; }}
.title {{ fill: var(--soft); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }}
.frame {{ fill: none; stroke: var(--frame); stroke-dasharray: 2 4; }}
.line {{ fill: none; stroke: var(--edge); stroke-width: 1.3; }}
.line.crosses {{ stroke-width: 2.6; }}
.line.flushed {{ stroke: var(--flushed); }}
.line.back {{ stroke-dasharray: 6 4; }}
.tip {{ fill: var(--edge); }} .tip.flushed {{ fill: var(--flushed); }}
.held {{ fill: var(--flushed); font-weight: bold; }}
"""


def of_graph(graph: Graph) -> str:
    """Return the picture of a graph."""
    return svg(scene(graph))


def svg(made: Scene) -> str:
    """Return the whole picture. Every text is escaped, and drawn as wide as it was measured."""
    foot = [*made.latencies, *_legend(made)]
    width = max(made.width, 2 * MARGIN + text_width(made.title, NAME, bold=True), 420.0)
    foot = [shortened(line, TINY, width - 2 * MARGIN) for line in foot]
    top = NAME + MARGIN
    height = top + made.height + LINE * len(foot) + MARGIN / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
        f'width="{number(width)}" height="{number(height)}" role="img">',
        f"<title>{escape(made.title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{number(width)}" height="{number(height)}"/>',
        drawn_text(made.title, MARGIN, MARGIN + NAME * 0.7, NAME, "name", "start"),
        f'<g transform="translate({number((width - made.width) / 2)} {number(top)})">',
        *(part for frame in made.frames for part in _frame(frame)),
        *(part for line in made.lines for part in _line(line)),
        *(part for box in made.boxes for part in _box(box)),
        "</g>",
        *(
            drawn_text(text, MARGIN, top + made.height + LINE * (at + 0.6), TINY, "soft", "start")
            for at, text in enumerate(foot)
        ),
        "</svg>",
    ]
    return "\n".join(lines)


def _legend(made: Scene) -> Iterator[str]:
    """Yield the legend of the kinds of lines that the picture has."""
    if any(line.crosses for line in made.lines):
        yield "thick: crosses threads, through a bounded queue"
    if any(not line.crosses for line in made.lines):
        yield "thin: the next node is called directly, in the same thread"
    if any(line.back for line in made.lines):
        yield "dashed: leads back"
    if any(line.flushed for line in made.lines):
        yield "orange: flushed when the user interrupts"


def _box(box: Box) -> Iterator[str]:
    about = "\n".join([box.name, box.what, *(f"{name}: {value}" for name, value in box.properties.items())])
    rect = box.rect
    yield f'<g class="node" data-node="{escape(box.name)}"><title>{escape(about)}</title>'
    yield f'<rect class="box {box.kind}" {_rect(rect)} rx="7"/>'
    middle = rect.x + rect.width / 2
    for port in box.ports:
        y = rect.y + LINE - 2 if port.above else rect.bottom - 5
        yield drawn_text(port.name, port.x, y, TINY, "soft")
    y = rect.y + 4 + NAME * 0.85 + LINE * any(port.above for port in box.ports)
    yield drawn_text(box.title, middle, y, NAME, "name")
    for at, text in enumerate((box.what, *box.notes), 1):
        yield drawn_text(text, middle, y + LINE * at + 1, SMALL, "soft")
    yield "</g>"


def _frame(frame: Frame) -> Iterator[str]:
    title = shortened(f"{frame.name} · {frame.resolved}", TINY, frame.rect.width - 16)
    yield f'<rect class="frame" {_rect(frame.rect)} rx="10"/>'
    yield drawn_text(title, frame.rect.x + 8, frame.rect.y + LINE, TINY, "title", "start")


def _line(line: Line) -> Iterator[str]:
    kinds = " ".join(kind for kind in ("crosses", "back", "flushed") if getattr(line, kind))
    about = f"{line.name}\n{line.caps}" + (f"\n{line.queue}" if line.queue else "")
    ends = f'data-source="{escape(line.source)}" data-target="{escape(line.target)}"'
    yield f'<g class="link" {ends}><title>{escape(about)}</title>'
    before, after = _around_label(line)
    for stretches in (before, after):
        yield f'<path class="line {kinds}" d="{_path(stretches)}"/>'
    flushed = " flushed" if line.flushed else ""
    if line.back:
        x, y = line.stretches[0].x, line.stretches[0].top
        yield f'<path class="tip{flushed}" d="M{number(x)} {number(y)} l-4.5 8 h9 z"/>'
    else:
        x, y = line.stretches[-1].x, line.stretches[-1].bottom
        yield f'<path class="tip{flushed}" d="M{number(x)} {number(y)} l-4.5 -8 h9 z"/>'
    rect = line.label_rect
    middle = rect.x + rect.width / 2
    for at, text in enumerate(line.label):
        kind = "held" if line.held and text == HELD else "soft"
        yield drawn_text(text, middle, rect.y + LINE * at + TINY, TINY, kind)
    yield "</g>"


def _around_label(line: Line) -> tuple[list[Stretch], list[Stretch]]:
    """Return the parts of a line above its label, and below it."""
    first, label, *rest = line.stretches
    above = [first, Stretch(label.x, label.top, line.label_rect.y)]
    return above, [Stretch(label.x, line.label_rect.bottom, label.bottom), *rest]


def _path(stretches: Sequence[Stretch]) -> str:
    """Return the path of a line: straight down in the rows, curved between them."""
    drawn = f"M{number(stretches[0].x)} {number(stretches[0].top)}V{number(stretches[0].bottom)}"
    for above, below in pairwise(stretches):
        middle = number((above.bottom + below.top) / 2)
        drawn += (
            f" C{number(above.x)} {middle} {number(below.x)} {middle} {number(below.x)} {number(below.top)}"
        )
        drawn += f"V{number(below.bottom)}"
    return drawn


def _rect(rect: Rect) -> str:
    x, y, width, height = map(number, (rect.x, rect.y, rect.width, rect.height))
    return f'x="{x}" y="{y}" width="{width}" height="{height}"'
