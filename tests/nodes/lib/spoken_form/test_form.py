"""The buffer: every written word in one unit, and the cases of the table however the words come."""

# ruff: noqa: RUF001

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.nodes.lib.spoken_form.number_reader import heard
from vflow_nodes.lib.spoken_form import SpokenForm, Unit, language

CASES = {
    written: spoken
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for written, spoken in yaml.safe_load(path.read_text(encoding="utf-8")).items()
}
NEGATIONS = re.compile(r"\b(?:no|not|never|minus|without|\w+n't)\b", re.IGNORECASE)
SENTENCES = [written for written in CASES if len(written.split()) > 1]


def units_of(text: str, *releases: int, long_words: str = "name") -> list[Unit]:
    """Push the words of a reply one by one, with a release after those at `releases`; return the units."""
    form = SpokenForm(long_words=long_words)  # type: ignore[arg-type]
    units: list[Unit] = []
    for at, word in enumerate(text.split()):
        units += form.push(word)
        if at in releases:
            units += form.release()
            assert not form.holds
    return units + form.finish()


def joined(units: list[Unit]) -> str:
    return tidy(" ".join(unit.spoken for unit in units if unit.spoken))


def tidy(text: str) -> str:
    return re.sub(r" (?=[,.;:!?…])", "", text)


def written_of(units: list[Unit]) -> list[str]:
    return [word for unit in units for word in unit.written.split()]


def test_table_has_enough_cases() -> None:
    assert len(CASES) >= 600


@pytest.mark.parametrize("written", CASES)
def test_case_of_the_table_is_said_as_expected(written: str) -> None:
    units = units_of(written)
    assert joined(units) == tidy(CASES[written])
    assert written_of(units) == written.split()


@pytest.mark.parametrize("written", SENTENCES)
def test_release_anywhere_changes_no_digit_and_no_negation(written: str) -> None:
    whole = joined(units_of(written))
    decided = {unit.written: unit for unit in units_of(written)}
    for at in range(len(written.split())):
        cut = units_of(written, at)
        assert written_of(cut) == written.split()
        if " slash " not in whole:
            cut = [decided.get(unit.written, unit) if _is_open(unit) else unit for unit in cut]
        assert heard(joined(cut)) == heard(whole), joined(cut)
        undecided = written.split()[at].strip("*_").lower() == "no." or " dash " in joined(cut)
        if not undecided:  # "No." is a negation until a digit follows, a dash a range or a minus until "="
            assert len(NEGATIONS.findall(joined(cut))) == len(NEGATIONS.findall(whole)), joined(cut)


def _is_open(unit: Unit) -> bool:
    """Return whether a unit may still become a day or a fraction with the next word: "three slash four"."""
    if " slash " not in unit.spoken:
        return False
    assert heard(unit.spoken) == "".join(re.findall("[0-9]+", unit.written))
    return True


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("$1.5 million", ["one point five", "million dollars"]),
        ("$20 today", ["twenty", "dollars today"]),
        ("$20", ["twenty", "dollars"]),
        ("5 km", ["five", "kilometers"]),
        ("1 km", ["one", "kilometer"]),
        ("9 a.m.", ["nine", "A M."]),
        ("June 3", ["June", "third"]),
        ("3 million", ["three", "million"]),
        ("7 %", ["seven", "percent"]),
        ("No. I", ["No.", "I"]),
    ],
)
def test_release_says_what_stays_true(text: str, spoken: list[str]) -> None:
    assert [unit.spoken for unit in units_of(text, 0)] == spoken


@pytest.mark.parametrize("after", ["we meet", "inch"])
def test_release_says_what_may_be_a_day_or_a_part_by_its_numbers(after: str) -> None:
    spoken = [unit.spoken for unit in units_of(f"on 3/4 {after}", 1)]
    assert spoken == ["on", "three slash four", *after.split()]


@pytest.mark.parametrize(
    "word", ["Hello", "I", "the", "world.", "don't", "It’s", "Yes,", "well-known", "NASA", "“So"]
)
def test_plain_word_leaves_at_once(word: str) -> None:
    form = SpokenForm()
    assert [unit.written for unit in form.push(word)] == [word]
    assert not form.holds


@pytest.mark.parametrize("word", ["5", "$20", "No.", "U.S.", "Jan.", "+1", "![a"])
def test_word_that_the_next_may_change_is_held(word: str) -> None:
    form = SpokenForm()
    form.push("Then")
    assert form.push(word) == []
    assert form.holds


@pytest.mark.parametrize("word", ["5.", "$20,", "45%", "9:30.", "v2.0.1", "1990s"])
def test_number_that_nothing_can_change_leaves_at_once(word: str) -> None:
    form = SpokenForm()
    form.push("Then")
    assert len(form.push(word)) == 1


def test_bracket_that_never_closes_holds_few_words() -> None:
    form = SpokenForm()
    form.push("![alt")
    most = 0
    for _ in range(200):
        form.push("word")
        most = max(most, len(form._held))
    assert most <= 40


def test_fenced_code_is_named_and_left_out_without_waiting() -> None:
    form = SpokenForm()
    assert form.push("```python") == [Unit("```python", "code,")]
    assert form.push("print(1)") == [Unit("print(1)", "")]
    assert form.push("```") == [Unit("```", "")]
    assert form.push("Done.") == [Unit("Done.", "Done.")]


def test_finish_begins_anew() -> None:
    form = SpokenForm()
    form.push("```")
    form.finish()
    assert form.push("Hello") == [Unit("Hello", "Hello")]


def test_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'xx'.*there is en"):
        language("xx")
    with pytest.raises(ValueError, match="'de'"):
        SpokenForm("de")
    assert language("en-US") is language("en")


_PIECES = (
    "5 $ 1.5 million . , No. a.m. ( ) [ ]( ) ![ ``` ~~~ $$ \\frac{1}{2} \\( | <a > & &amp; - — / 's ° km 2026"
    " :30 @ .com https:// #1 ½ π 你好 é \u200b 😀 * ** _ ` 0 00 IV x ^ = + % 1st Jan St. K GB '90s 12 345"
    " 6789 555 UTC+"
)
PIECES = st.sampled_from(_PIECES.split())
WORDS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=5).map("".join),
    st.text(st.characters(exclude_categories=("Zs", "Zl", "Zp", "Cc")), min_size=1, max_size=12),
    st.text(st.sampled_from("0123456789.,-/:$%€kmx+=^()[]|*_'\"aAbBI"), min_size=1, max_size=12),
)
STEPS = st.lists(st.one_of(WORDS, st.none()), max_size=25)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.sampled_from(["spell", "shorten", "name"]))
@example(["", "a", None], "name")
@example(["²"], "name")
@example(["٣", "٣km"], "name")
@example(["1/0"], "name")
@example(["->max"], "name")
@example(["63:19.29."], "name")
@example(["20:30", "a.m.-59:30"], "name")
def test_every_word_is_in_one_unit_in_order(steps: list[str | None], long_words: str) -> None:
    form = SpokenForm(long_words=long_words)  # type: ignore[arg-type]
    units: list[Unit] = []
    for step in steps:
        units += form.release() if step is None else form.push(step)
    units += form.finish()
    given_words = [step for step in steps if step]
    assert " ".join(unit.written for unit in units if unit.written) == " ".join(given_words)
    assert all(unit.spoken == unit.spoken.strip() for unit in units)
    for unit in units:
        if unit.written.isascii():
            assert not re.search("[0-9]", unit.spoken), "a voice would read the digits as it likes"


HOSTILE = [
    "9",
    "a",
    "(",
    "[",
    "-",
    "a-",
    "1-",
    "1,",
    "1.",
    "$",
    "\\",
    "&",
    "&a;",
    "<",
    "<a",
    "|",
    "`",
    "*",
    "~",
    "_",
    "'",
    "1/",
    "a@",
    "a.",
    "://",
    "http://a/",
    "[a](",
    "![",
    "é",
    "世",
    "A",
    "Aa",
    "0x",
    "😀",
    "^",
    "²",
    "{",
    "\\frac{",
    "=",
    ":",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_word_of_a_hundred_thousand_letters_is_read(piece: str) -> None:
    for size in (150, 199, 100_000):
        word = (piece * size)[:size]
        for word_ in (word, "$" + word, word + ".", "1" + word):
            units = units_of(f"so {word_} then")
            assert written_of(units) == ["so", word_, "then"]


def test_cost_is_linear_in_the_words() -> None:
    """The cost is counted in readings of the table, not in time."""
    form = SpokenForm()
    calls = 0
    table = form._table
    read = table.read

    class Counted:
        code_pause = table.code_pause
        code_words = table.code_words

        def read(self, *args: object) -> object:
            nonlocal calls
            calls += 1
            return read(*args)  # type: ignore[arg-type]

    form._table = Counted()  # type: ignore[assignment]
    for _ in range(500):
        for word in ("![a", "12", "(555)", "$x", "[a](", "No."):
            form.push(word)
    form.finish()
    assert calls < 3000 * 40
