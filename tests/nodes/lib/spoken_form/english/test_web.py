"""Addresses of the net, files and names."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english import web


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("https://example.com", "example dot com"),
        ("www.bbc.co.uk", "W W W dot B B C dot co dot U K"),
        ("example.com/docs", "example dot com slash docs"),
        ("https://example.com/a?x=" + "1" * 90, "example dot com"),
        ("word", ""),
        ("U.S", ""),
        ("end.Next", ""),
    ],
)
def test_address_leaves_out_a_query_and_a_long_path(core: str, spoken: str) -> None:
    assert web.address(core, everything=False) == spoken


def test_address_is_said_whole_where_all_is_spelled() -> None:
    assert web.address("https://x.com/a/b/c/d/e", everything=True).count("slash") == 5


def test_mail_address_is_said_in_words() -> None:
    assert web.mail("jane_doe@mail.co.uk") == "jane underscore doe at mail dot co dot U K"
    assert web.mail("@jane") == ""


def test_handle_and_tag_are_said() -> None:
    assert web.handle_or_tag("@jane_doe") == "at jane underscore doe"
    assert web.handle_or_tag("#VoteNow") == "hashtag vote now"


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("report.pdf", "report dot P D F"),
        ("Node.js", "Node J S"),
        ("D.C", ""),
        ("song.mp3", "song dot M P three"),
    ],
)
def test_file_name_says_its_ending(core: str, spoken: str) -> None:
    assert web.file_name(core) == spoken


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("/etc/hosts", "slash E T C slash hosts"),
        ("C:\\Users\\me", "C drive, Users, me"),
        ("~/docs", "home slash docs"),
        ("a/b", ""),
    ],
)
def test_path_is_said_with_slashes(core: str, spoken: str) -> None:
    assert web.path(core) == spoken
