"""The report's file: refused before the run where it cannot be written, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from vflow.report.report_file import why_not_writable, write_report


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone/r.json", "does not exist"),
        ("folder", "is a folder"),
        ("x" * 300, "File name too long"),
        ("a\0b", "null byte"),
        ("/proc/r.json", "cannot be written"),
    ],
)
def test_a_place_that_takes_no_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    if name.startswith("/proc") and not Path("/proc/version").exists():
        pytest.skip("this system has no /proc")
    (tmp_path / "folder").mkdir()
    assert said in why_not_writable(str(tmp_path / name))


@pytest.mark.parametrize("name", ["new.json", "old.json", "dangling.json", os.devnull])
def test_checking_a_place_does_not_change_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "old.json").write_text("old")
    (tmp_path / "dangling.json").symlink_to("elsewhere.json")
    before = sorted(tmp_path.iterdir())
    assert why_not_writable(str(tmp_path / name)) == ""
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "old.json").read_text() == "old"


def test_a_report_replaces_the_one_before_and_keeps_its_permissions_and_links(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("old")
    (tmp_path / "r.json").chmod(0o640)
    (tmp_path / "link.json").symlink_to("r.json")
    write_report(str(tmp_path / "link.json"), {"a": 1})
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": 1}
    assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.json").is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_new_report_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    write_report(str(tmp_path / "r.json"), {})
    assert (tmp_path / "r.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_on_a_full_disk_the_earlier_report_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "r.json").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(str(tmp_path / "r.json"), {"a": 1})
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_report_is_written_where_the_system_has_no_flag_against_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_NOFOLLOW")  # as on Windows
    write_report(str(tmp_path / "r.json"), {"a": 1})
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": 1}


def test_a_device_is_written_as_it_is() -> None:
    write_report(os.devnull, {"a": 1})
    assert not os.path.isfile(os.devnull)


def test_a_pipe_that_nobody_reads_is_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device or address"):
        write_report(str(tmp_path / "pipe"), {"a": 1})


def test_a_pipe_that_is_read_gets_the_report(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_report(str(tmp_path / "pipe"), {"a": 1})
        assert json.loads(os.read(reader, 1000)) == {"a": 1}
    finally:
        os.close(reader)


def test_a_pipe_that_only_a_descriptor_names_gets_the_report() -> None:
    reader, writer = os.pipe()
    file = f"/dev/fd/{writer}"  # as /dev/stdout is one in a shell's pipeline
    if not os.path.exists(file):
        pytest.skip("this system has no /dev/fd")
    try:
        assert why_not_writable(file) == ""
        write_report(file, {"a": 1})
        assert json.loads(os.read(reader, 1000)) == {"a": 1}
    finally:
        os.close(reader)
        os.close(writer)


def test_a_report_whose_name_ends_in_svg_is_its_turns_on_a_time_line(tmp_path: Path) -> None:
    write_report(str(tmp_path / "r.SVG"), {"pipeline": "agent.yaml", "turns": []})
    assert "agent.yaml" in (tmp_path / "r.SVG").read_text(encoding="utf-8")
    assert (tmp_path / "r.SVG").read_text(encoding="utf-8").startswith("<svg ")
