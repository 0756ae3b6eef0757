"""The page's files: a fixed list, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

from vflow.web.page_files import read_page


def test_files_of_known_kinds_are_read_once_and_the_index_is_the_page(tmp_path: Path) -> None:
    for name in ("index.html", "talk.js", "secret.py", ".hidden.js", "README"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.js").mkdir()
    (tmp_path / "link.js").symlink_to(tmp_path / "talk.js")
    files = read_page(tmp_path)
    assert files.keys() == {"", "index.html", "talk.js", "link.js"}
    assert files[""] is files["index.html"]
    assert files["talk.js"].body == b"talk.js"
    assert files["talk.js"].media_type.startswith("text/javascript")
    assert files["talk.js"].etag != files["index.html"].etag


def test_no_page_is_no_file(tmp_path: Path) -> None:
    assert read_page(tmp_path / "nowhere") == {}
