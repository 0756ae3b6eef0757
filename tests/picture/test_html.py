"""The picture as a page: one file that loads nothing."""

from __future__ import annotations

import re

from tests.picture.graphs import agent, hard
from vflow.picture.html import html
from vflow.picture.scene import scene
from vflow.picture.svg import svg


def test_the_page_has_the_picture_and_loads_nothing() -> None:
    page = html(scene(agent()))
    assert svg(scene(agent())) in page
    assert re.findall(r"(?:src|href|url)\s*[=(]", page) == []
    assert set(re.findall(r"https?://[^\"]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_special_characters_do_not_end_a_tag() -> None:
    assert "<sehr>" not in html(scene(hard()))
