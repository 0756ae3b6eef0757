"""English as a whole: the cases are in test_form.py; here is what no case shows."""

from __future__ import annotations

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.table import ENGLISH


def test_code_words_are_known_in_any_case() -> None:
    assert ENGLISH.code_words("PIN") > 0
    assert ENGLISH.code_words("house") == 0


def test_plain_word_keeps_its_text() -> None:
    assert ENGLISH.read(look("house,"), "name").spoken == "house,"


def test_other_script_is_left_alone() -> None:
    assert ENGLISH.read(look("«Привет»"), "name").spoken == "«Привет»"


def test_query_is_said_only_where_all_is_spelled() -> None:
    address = "https://example.com/find?name=bob"
    assert "bob" in ENGLISH.read(look(address), "spell").spoken
    assert "bob" not in ENGLISH.read(look(address), "name").spoken
