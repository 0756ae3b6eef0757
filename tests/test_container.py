"""The file of the container image: its sources are there, its pin is the Makefile's, its command is taken."""

from __future__ import annotations

import json
import re
from pathlib import Path

from vflow.cli.arguments import parser_for
from vflow.cli.serve import check_place
from vflow.models.catalogue import known

ROOT = Path(__file__).parent.parent
FILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
LINES = re.sub(r"\\\n\s*", "", FILE).splitlines()


def arguments(word: str) -> list[str]:
    """The rest of each line that begins with an instruction."""
    return [line.partition(" ")[2] for line in LINES if line.split(" ")[0] == word]


def argument(name: str) -> str:
    (value,) = (text.partition("=")[2] for text in arguments("ARG") if text.startswith(f"{name}="))
    return value.strip('"')


def test_torch_is_the_makefiles() -> None:
    pinned = re.search(r"^TORCH +\?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert pinned is not None
    assert argument("TORCH") == pinned[1]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [name for text in arguments("COPY") if "--from" not in text for name in text.split()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored
    needed = re.findall(
        r'^(?:readme|license-files) = "?\[?"?([\w.]+)', (ROOT / "pyproject.toml").read_text(), re.M
    )
    assert set(needed) <= set(copied)


def test_extras_and_models_are_known_ones() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    for extra in argument("EXTRAS").split(","):
        assert re.search(rf"^{extra} = \[", text, re.MULTILINE)
    assert set(argument("MODELS").split()) <= {model.name for model in known()}


def test_it_serves_as_another_user_than_root_and_says_whether_it_is_alive() -> None:
    (user,) = arguments("USER")
    assert user not in ("0", "root")
    assert "/health'" in arguments("HEALTHCHECK")[0]
    (entry,), (words,) = arguments("ENTRYPOINT"), arguments("CMD")
    assert json.loads(entry) == ["vflow"]
    given = json.loads(words)
    parsed = parser_for(given).parse_args(given)
    check_place(parsed)
    assert f"127.0.0.1:{parsed.port}/health" in FILE
    assert arguments("EXPOSE") == [str(parsed.port)]
