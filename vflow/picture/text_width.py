"""Estimate how wide a text is drawn, without a font, so that boxes fit their texts.

Widths are Helvetica's, in thousandths of the font's size. Source: Adobe Core 14 AFM, Helvetica.afm. Fonts of
other systems differ by a few percent, so texts are drawn with `textLength`.
"""

# ruff: noqa: RUF001
# The dashes are the ones in texts.

from __future__ import annotations

from unicodedata import combining, east_asian_width

_BY_WIDTH = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;It[]\\f", 333: "-()r`", 334: "{}", 355: '"', 389: "*",
    469: "^", 500: "ckJsvxyz", 556: "#$0123456789?_abdeghnopqu·…–", 584: "+<=>~", 611: "FTZ",
    667: "&ABEKPSVXY", 722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1000: "—→", 1015: "@",
}  # fmt: skip
_WIDTHS = {letter: width for width, letters in _BY_WIDTH.items() for letter in letters}
_OTHER, _WIDE = 600, 1000
BOLD = 1.07
"""How much wider bold text is, at most, on average over a word."""


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width in pixels of one line, in a sans-serif font of `size` pixels."""
    thousandths = sum(map(_letter, text))
    return thousandths / 1000 * size * (BOLD if bold else 1.0)


def shortened(text: str, size: float, most: float, bold: bool = False) -> str:
    """Return the text, or its beginning and an ellipsis, at most `most` pixels wide."""
    if text_width(text, size, bold) <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle] + "…", size, bold) <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def _letter(letter: str) -> int:
    if letter in _WIDTHS:
        return _WIDTHS[letter]
    if combining(letter):
        return 0
    return _WIDE if east_asian_width(letter) in "WF" else _OTHER
