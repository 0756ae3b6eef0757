"""Letters, acronyms and names of programs."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english import letters


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("API", "A P I"),
        ("NASA", ""),
        ("STOP", ""),
        ("PCs", "P C's"),
        ("CEO's", "C E O's"),
        ("Word", ""),
        ("HTML", "H T M L"),
    ],
)
def test_acronym_is_spelled_unless_it_is_a_word(core: str, spoken: str) -> None:
    assert letters.acronym(core, loud=False) == spoken


@pytest.mark.parametrize(
    ("core", "spoken"), [("U.S", "U S"), ("Ph.D", "P H D"), ("U.S.'s", "U S's"), ("example.com", "")]
)
def test_initials_are_spelled(core: str, spoken: str) -> None:
    assert letters.initials(core)[0] == spoken


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("getUserName", "get user name"),
        ("max_tokens", "max tokens"),
        ("print()", "print"),
        ("iPhone", ""),
        ("word", ""),
    ],
)
def test_identifier_is_said_word_by_word(core: str, spoken: str) -> None:
    assert letters.identifier(core) == spoken


def test_spaced_says_digits_too() -> None:
    assert letters.spaced("a1-b") == "A one B"
