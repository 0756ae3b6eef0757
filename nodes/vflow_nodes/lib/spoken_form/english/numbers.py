"""English words for numbers: cardinals, ordinals, years, decimals, fractions and single digits."""

from __future__ import annotations

import itertools
import re

_LOW = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
ONES = tuple(_LOW.split())
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ("", " thousand", " million", " billion", " trillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
LONGEST = 15
"""Most digits of a number that is said in words; a longer one is said digit by digit."""
MOST_DIGITS = 80
"""Most digits that are said one by one; of a longer number only its length is said."""

HALVES = {
    "½": ("1", "2"),
    "¼": ("1", "4"),
    "¾": ("3", "4"),
    "⅓": ("1", "3"),
    "⅔": ("2", "3"),
    "⅛": ("1", "8"),
}
"""The numerator and denominator of a fraction that is one letter."""
NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
"""The pattern of an unsigned number as it is written."""


def _below_thousand(number: int) -> str:
    words = []
    if number >= 100:
        words.append(f"{ONES[number // 100]} hundred")
        number %= 100
    if number >= 20:
        words.append(_TENS[number // 10])
        number %= 10
    if number:
        words.append(ONES[number])
    return " ".join(words)


def cardinal(digits: str) -> str:
    """Say a whole number, given as digits with or without commas."""
    bare = digits.replace(",", "")
    short = bare.lstrip("0")
    if len(short) > LONGEST:
        return spelled(digits if "," in digits else _grouped(bare))
    number = int(short or "0")
    if number == 0:
        return "zero"
    words = []
    for scale in _SCALES:
        number, part = divmod(number, 1000)
        if part:
            words.append(_below_thousand(part) + scale)
    return " ".join(reversed(words))


def _grouped(digits: str) -> str:
    """Return digits with a comma before each three from the end; for a code, from the start."""
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    return ",".join(groups + [digits[at : at + 3] for at in range(head, len(digits), 3)])


def spelled(digits: str) -> str:
    """Say the digits one by one, with a pause at each comma, hyphen or space."""
    if len(digits) > MOST_DIGITS * 2:
        count = sum(map(str.isdigit, digits))
        return f"a number of {cardinal(str(count))} digits"
    groups = re.split(r"[,\-\s]", digits)
    return ", ".join(
        " ".join(ONES[int(digit)] for digit in group if digit in "0123456789") for group in groups
    )


def code(digits: str) -> str:
    """Say the digits of a code; more than five with a pause after each three."""
    if len(digits) <= 5:
        return spelled(digits)
    return spelled(",".join(digits[at : at + 3] for at in range(0, len(digits), 3)))


def number(text: str) -> str:
    """Say an unsigned number as it is written: "1,000", "0.5", "0042"."""
    whole, point, part = text.partition(".")
    if not point:
        if len(whole) > 1 and whole[0] == "0":
            return code(whole)
        return cardinal(whole)
    head = cardinal(whole) + " " if whole else ""
    return f"{head}point {spelled(part)}"


def year(digits: str) -> str:
    """Say four digits as a year."""
    high, low = digits[:2], digits[2:]
    if digits[1:3] == "00" or high[0] == "0":
        return cardinal(digits)
    if low == "00":
        return f"{cardinal(high)} hundred"
    if low[0] == "0":
        return f"{cardinal(high)} oh {ONES[int(low)]}"
    return f"{cardinal(high)} {cardinal(low)}"


def is_year(digits: str) -> bool:
    """Tell whether a bare number looks like a year."""
    return len(digits) == 4 and digits.isdigit() and "1100" <= digits <= "2099"


def ordinal(digits: str) -> str:
    """Say a whole number as an ordinal."""
    head, space, last = cardinal(digits).rpartition(" ")
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + space + last


def plural(words: str) -> str:
    """Return the plural of a number's words: "nineties", "fives", "sixes"."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")


def fraction(above: str, below: str) -> str:
    """Say a fraction of two whole numbers."""
    count = cardinal(above)
    one = int(above) == 1 if len(above) < 5 else False
    if below == "2":
        return f"{count} {'half' if one else 'halves'}"
    if below == "4":
        return f"{count} {'quarter' if one else 'quarters'}"
    if len(below) > 3 or int(below) < 2:
        return f"{count} over {cardinal(below)}"
    part = ordinal(below)
    return f"{count} {part if one else part + 's'}"


def roman(text: str) -> int:
    """Return the value of a Roman numeral below 90; 0 for any other text."""
    if not _ROMAN.fullmatch(text):
        return 0
    values = {"I": 1, "V": 5, "X": 10, "L": 50}
    numbers = [values[letter] for letter in text] + [0]
    return sum(-value if value < after else value for value, after in itertools.pairwise(numbers))


_ROMAN = re.compile(r"(?=[IVXL])(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
