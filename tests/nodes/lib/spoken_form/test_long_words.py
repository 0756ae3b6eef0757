"""Long codes are told from long words."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.long_words import is_code


@pytest.mark.parametrize(
    "word",
    [
        "QUJD" * 10,
        "550e8400-e29b-41d4-a716-446655440000",
        "9f86d081884c7d659a2feaa0c55ad015",
        "sk-proj-abc123DEF456ghi789JKL012",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "1Z999AA10123456784",
        "x" * 1000,
    ],
)
def test_long_random_words_are_codes(word: str) -> None:
    assert is_code(word)


@pytest.mark.parametrize(
    "word",
    [
        "internationalization",
        "pneumonoultramicroscopicsilicovolcanoconiosis",
        "getUserNameFromDatabaseConnection",
        "max_number_of_new_tokens",
        "state-of-the-art-of-the-world",
        "4111111111111111",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "2026-11-27T14:30:00Z",
        "A1042B",
    ],
)
def test_long_ordinary_words_names_and_numbers_are_not_codes(word: str) -> None:
    assert not is_code(word)
