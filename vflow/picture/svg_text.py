"""Texts and colours that all pictures have in common, light and dark."""

from __future__ import annotations

from html import escape

from vflow.picture.text_width import text_width

PAPER = """
svg { --paper: #ffffff; --ink: #1c2430; --soft: #5b6675; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161c; --ink: #e8edf4; --soft: #a3aebd; } }
text { font-family: Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif; fill: var(--ink); }
.paper { fill: var(--paper); }
.name { font-weight: bold; }
.soft { fill: var(--soft); }"""
"""The style of the paper, and of the kinds `name` and `soft` of text."""


def drawn_text(text: str, x: float, y: float, size: float, kind: str, anchor: str = "middle") -> str:
    """A text as SVG, as wide as it was measured; escaped."""
    width = text_width(text, size, kind == "name")
    fitted = f' textLength="{number(width)}" lengthAdjust="spacingAndGlyphs"' if text.strip() else ""
    return (
        f'<text class="{kind}" x="{number(x)}" y="{number(y)}" font-size="{number(size)}"'
        f' text-anchor="{anchor}"{fitted}>{escape(text)}</text>'
    )


def number(value: float) -> str:
    """A number as SVG, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
