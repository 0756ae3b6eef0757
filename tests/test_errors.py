"""The mends that name this distribution: by the name it is installed by, and extras that it has."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import vflow
from vflow import install_command
from vflow.errors import DISTRIBUTION
from vflow.graph.registry import GROUP

ROOT = Path(__file__).parent.parent
SOURCES = [file for folder in ("vflow", "nodes") for file in sorted((ROOT / folder).rglob("*.py"))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def extras_named(pattern: str, files: list[Path]) -> set[str]:
    found = {extras for file in files for extras in re.findall(pattern, file.read_text(encoding="utf-8"))}
    return {extra for extras in found for extra in extras.split(",")}


def test_an_install_command_names_the_distribution_that_brings_vflow() -> None:
    assert install_command("audio") == "pip install 'vflow-voice[audio]'"
    assert install_command("gpu", "my-voice-nodes") == "pip install 'my-voice-nodes[gpu]'"
    assert importlib.metadata.version(DISTRIBUTION) == vflow.__version__
    (node,) = importlib.metadata.entry_points(group=GROUP, name="tts.hibari")
    assert node.dist is not None
    assert node.dist.name == DISTRIBUTION


def test_every_mend_and_page_names_extras_that_there_are() -> None:
    there = set(importlib.metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or ())
    by_code = extras_named(r"""install_command\(["'](\w+)["']\)""", SOURCES)
    by_pages = extras_named(r"pip install (?:-e )?'(?:vflow-voice|\.)\[([\w,]+)\]'", PAGES)
    assert {"aec", "audio", "pyaudio", "speech"} == by_code == there - {"dev"}
    assert by_code <= by_pages <= there


def test_nothing_tells_anybody_to_install_the_other_distribution() -> None:
    told = re.compile(r"pip install[^\n]*[ '\"]vflow(?![\w-])")
    assert [str(file) for file in [*SOURCES, *PAGES] if told.search(file.read_text(encoding="utf-8"))] == []
