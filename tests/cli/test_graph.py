"""`vflow graph`: where the drawing goes, in which form, and what cannot be drawn or written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from vflow.cli import drawing
from vflow.cli.graph import printable
from vflow.graph.loader import load_text
from vflow.picture import png

CHAIN = """\
nodes:
  tone: {use: test_tone}
  low:  {use: resample, rate: 8000}
  end:  {use: "null"}
links:
  - tone -> low -> end
"""


def draw(vflow: Vflow, text: str, *options: str) -> str:
    ran = vflow("graph", "g.yaml", *options, files={"g.yaml": text})
    assert ran.code == 0
    assert ran.err == ""
    return ran.out


@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_the_format_is_the_one_that_was_asked_for(vflow: Vflow, form: str) -> None:
    assert draw(vflow, CHAIN, "--format", form) == f"{getattr(drawing, form)(load_text(CHAIN))}\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_a_pipe_that_nobody_reads_is_refused_at_once(vflow: Vflow, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ran = vflow("graph", "g.yaml", "-o", "pipe", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert ran.err == "pipe: error: cannot be written: No such device or address\n"


def test_a_drawing_that_cannot_be_written_whole_leaves_the_one_before(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "out.txt").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    assert vflow("graph", "g.yaml", "-o", "out.txt", files={"g.yaml": CHAIN}).code == 2
    assert (tmp_path / "out.txt").read_text() == "old"


def test_the_drawing_goes_to_a_file(vflow: Vflow, tmp_path: Path) -> None:
    assert draw(vflow, CHAIN, "-o", "out.txt") == ""
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == draw(vflow, CHAIN)


def test_a_file_that_cannot_be_written_is_told(vflow: Vflow) -> None:
    ran = vflow("graph", "g.yaml", "-o", "no/out.dot", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert ran.err == "no/out.dot: error: cannot be written: No such file or directory\n"


def test_a_drawing_over_the_graph_is_refused(vflow: Vflow, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("g.yaml")
    ran = vflow("graph", "g.yaml", "-o", "link", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert "-o would overwrite what the run reads: the graph itself" in ran.err
    assert (tmp_path / "g.yaml").read_text() == CHAIN


def test_a_wrong_graph_is_not_drawn(vflow: Vflow) -> None:
    ran = vflow("graph", "g.yaml", files={"g.yaml": CHAIN.replace("test_tone", "test_tome")})
    assert ran.code == 2
    assert ran.out == ""
    assert "did you mean 'test_tone'?" in ran.err


def test_a_terminal_without_line_drawing_gets_ascii() -> None:
    drawn = "both\n│   ╚══ join (below)\n║"
    assert printable(drawn, "utf-8") == drawn
    assert printable(drawn, "ascii") == "both\n|   +== join (below)\n#"


def test_without_a_terminal_nothing_is_drawn_and_nothing_fails(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert vflow("graph", "g.yaml", files={"g.yaml": CHAIN}).code == 0


@pytest.mark.parametrize(
    ("name", "form"), [("out.dot", "dot"), ("out.GV", "dot"), ("out.mmd", "mermaid"), ("out", "text")]
)
def test_the_format_follows_the_ending_of_the_file(
    vflow: Vflow, tmp_path: Path, name: str, form: str
) -> None:
    draw(vflow, CHAIN, "-o", name)
    assert (tmp_path / name).read_text(encoding="utf-8") == draw(vflow, CHAIN, "--format", form)
    draw(vflow, CHAIN, "--format", "text", "-o", name)
    assert (tmp_path / name).read_text(encoding="utf-8") == draw(vflow, CHAIN)


def test_no_text_is_written_into_a_picture(vflow: Vflow, tmp_path: Path) -> None:
    ran = vflow("graph", "g.yaml", "-o", "a.SVG", "--format", "dot", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert ran.err == "a.SVG: error: --format dot is not svg; leave it out, or rename OUT\n"
    assert not (tmp_path / "a.SVG").exists()


def test_unsupported_format_is_refused_with_the_command_that_makes_it(vflow: Vflow) -> None:
    ran = vflow("graph", "g.yaml", "-o", "a.pdf", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert ran.err == (
        "a.pdf: error: this format cannot be written; write a.dot, and draw it: dot -Tpdf a.dot -o a.pdf\n"
    )


@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", "<svg "), ("a.HTML", "<!doctype html>"), ("a.json", "{")]
)
def test_a_picture_is_written_as_out_ends(vflow: Vflow, tmp_path: Path, name: str, start: str) -> None:
    assert draw(vflow, CHAIN, "-o", name) == ""
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert written.startswith(start)
    assert "test_tone" in written


def test_a_png_is_written_to_a_file_alone(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png, "png", lambda svg: b"\x89PNG" + svg[:4].encode())
    assert draw(vflow, CHAIN, "-o", "a.png") == ""
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG<svg"
    ran = vflow("graph", "g.yaml", "--format", "png", files={"g.yaml": CHAIN})
    assert (ran.code, ran.err) == (2, "g.yaml: error: a PNG is no text; write it to a file: -o graph.png\n")


def test_png_without_a_browser_names_its_mend(vflow: Vflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "browser", lambda: None)
    ran = vflow("graph", "g.yaml", "-o", "a.png", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert ran.err.endswith("Chromium or Chrome, and neither is here; install one, or write SVG\n")


@pytest.mark.parametrize("shown", [True, False])
def test_the_browser_is_shown_the_page(
    vflow: Vflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or shown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = vflow("graph", "g.yaml", "--open", files={"g.yaml": CHAIN})
    assert ran.code == (0 if shown else 1)
    (page,) = tmp_path.glob("vflow-graph-*/g.html")
    assert opened == [page.as_uri()]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert ("no browser was found" in ran.out) != shown


def test_drawing_shows_the_graph_as_the_options_change_it(vflow: Vflow) -> None:
    assert "rate=48000" in draw(vflow, CHAIN, "--set", "tone.rate=48000")
    agent = "nodes: {m: {use: test_tone}, s: {use: speaker}}\nlinks: [m -> s]\n"
    assert "wav_sink" in draw(vflow, agent, "--output", "reply.wav")


def test_a_drawing_is_not_written_in_the_place_of_a_recording(vflow: Vflow) -> None:
    ran = vflow("graph", "g.yaml", "--output", "x.dot", files={"g.yaml": CHAIN})
    assert (ran.code, "write -o x.dot" in ran.err) == (2, True)
