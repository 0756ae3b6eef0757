"""The documentation is true: its graphs load, its Python runs, its links lead somewhere.

`python tests/test_docs.py` writes docs/nodes.md anew, out of the classes.
"""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import vflow
from vflow import load
from vflow.cli.arguments import VERBS
from vflow.errors import GraphError
from vflow.graph.loader import load_text
from vflow.graph.registry import GROUP, NodeClass
from vflow.graph.resolver import Resolved
from vflow.graph.roles import ROLES
from vflow.node import Bin
from vflow.ports import inputs_of, outputs_of

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")),
    *sorted(DOCS.rglob("*.md")),
]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `info` is what stands behind its first fence."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str:
        """The file name in its first line, `# say.yaml`; '' where there is none."""
        found = re.match(r"# (\S+\.yaml)\n", self.text)
        return found[1] if found else ""


def blocks(page: Path, language: str) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        if match[1].split()[:1] == [language]:
            yield Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])


def every(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, language)]


def is_graph(block: Block) -> bool:
    return re.search(r"^nodes:", block.text, re.MULTILINE) is not None


def with_files(page: Path, folder: Path) -> None:
    """Write the page's named graphs, since one may use another as a bin."""
    for block in blocks(page, "yaml"):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")


GRAPHS = [b for b in every("yaml") if is_graph(b)]
NAMES = sorted(point.name for point in entry_points(group=GROUP) if point.value.startswith("vflow_nodes"))


@pytest.mark.parametrize("block", [b for b in GRAPHS if b.info == "yaml"], ids=lambda b: b.name)
def test_graph_loads(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with_files(block.page, tmp_path)
    graph = load_text(block.text, require_available=False)
    assert graph.nodes


@pytest.mark.parametrize("block", [b for b in GRAPHS if b.info == "yaml broken"], ids=lambda b: b.name)
def test_graph_shown_as_wrong_is_refused(block: Block) -> None:
    with pytest.raises(GraphError):
        load_text(block.text, require_available=False)


@pytest.mark.timeout(400)  # agents are loaded
@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(blocks(p, "python"))], ids=lambda p: str(p.relative_to(ROOT))
)
def test_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one behind the other, in one module, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    with_files(page, tmp_path)
    shutil.copy(ROOT / "pipelines" / "question.wav", tmp_path)
    module = types.ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # annotations are looked up there
    for block in blocks(page, "python"):
        padded = "\n" * block.line + block.text  # a traceback names the line of the page
        exec(compile(padded, str(page), "exec", dont_inherit=True), module.__dict__)


@pytest.mark.parametrize("block", every("console"), ids=lambda b: b.name)
def test_console_shows_what_is_printed(block: Block, tmp_path: Path) -> None:
    with_files(block.page, tmp_path)
    command, _, shown = block.text.partition("\n")
    words = command.removeprefix("$ vflow ").split()
    ran = subprocess.run(
        [sys.executable, "-m", "vflow.cli.main", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stderr + ran.stdout == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(found), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub's anchors."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_described(verb: str) -> None:
    assert f"## vflow {verb}" in (DOCS / "commands.md").read_text(encoding="utf-8")


def test_every_page_of_the_design_is_short() -> None:
    for page in (DOCS / "design").glob("*.md"):
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 100, page.name


def test_modules_of_vocabulary_graph_and_runtime_are_in_the_map() -> None:
    text = (DOCS / "design" / "README.md").read_text(encoding="utf-8")
    table = set(
        re.findall(r"`(\w+)`", text[text.index("| part | modules |") : text.index("## Where the next")])
    )
    folders = (ROOT / "vflow", ROOT / "vflow" / "graph", ROOT / "vflow" / "runtime")
    modules = {p.stem for folder in folders for p in folder.glob("*.py") if p.stem != "__init__"}
    assert modules <= table


def test_picture_of_the_agent_is_up_to_date() -> None:
    graph = load("pipelines/voice_agent.yaml", require_available=False)
    drawn = (DOCS / "pictures" / "voice_agent.svg").read_text(encoding="utf-8")
    taken = [choice.taken for name, choice in graph.roles.items() if name not in graph.aliases]
    if not all(f"{name} ·" in drawn for name in taken):
        pytest.skip("this machine has other devices or models than the picture shows")
    mend = "run vflow graph pipelines/voice_agent.yaml -o docs/pictures/voice_agent.svg"
    assert drawn == graph._repr_svg_() + "\n", mend


def test_table_of_nodes_is_up_to_date() -> None:
    found = (DOCS / "nodes.md").read_text(encoding="utf-8")
    assert found == table(), "python tests/test_docs.py writes it anew"


def table() -> str:
    """docs/nodes.md: roles, then nodes, each in a line."""
    lines = [
        "# Nodes",
        "",
        "Which nodes come with vflow? `vflow inspect NAME` describes one, and shows what is available here.",
        "This page is written by `python tests/test_docs.py`.",
        "",
        "## Roles",
        "",
        "| `use:` | in | out | | candidates, the highest rank first |",
        "|---|---|---|---|---|",
    ]
    classes = {name: loaded(name) for name in NAMES}
    for role in ROLES.values():
        plays = sorted((n for n in NAMES if n.startswith(f"{role.name}.")), key=lambda n: -classes[n].rank)
        ins, outs = (
            ", ".join(f"{n}: {c}" for n, c in ports.items()) for ports in (role.inputs, role.outputs)
        )
        candidates = ", ".join(f"`{name}`" for name in plays)
        lines.append(f"| `{role.name}` | {ins} | {outs} | {role.doc} | {candidates} |")
    lines += ["", "## All nodes", "", "| `use:` | in | out | |", "|---|---|---|---|"]
    for name, cls in classes.items():
        ins, outs = ports(name, cls)
        lines.append(f"| `{name}` | {ins} | {outs} | {sentence(cls)} |")
    return "\n".join(lines) + "\n"


def loaded(name: str) -> NodeClass:
    cls: NodeClass = entry_points(group=GROUP)[name].load()
    return cls


def ports(name: str, cls: NodeClass) -> tuple[str, str]:
    """Inputs and outputs as `port: caps`; of a bin the names, a bin's caps are those of its nodes."""
    if issubclass(cls, Bin):
        role = ROLES.get(name.partition(".")[0])
        names = list(Resolved(name, cls).document().ports)
        inner = role.inputs if role else {}
        return ", ".join(n for n in names if n in inner), ", ".join(n for n in names if n not in inner)
    ins, outs = (
        ", ".join(f"{p.name}: {p.caps}" for p in kind(cls).values()) for kind in (inputs_of, outputs_of)
    )
    return ins, outs


def sentence(cls: type) -> str:
    """The first sentence of a class's documentation."""
    paragraph = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    first = paragraph.partition(". ")[0]
    return (first if first.endswith("...") else first.removesuffix(".")).replace("|", "\\|")


if __name__ == "__main__":
    assert vflow.__version__
    (DOCS / "nodes.md").write_text(table(), encoding="utf-8")
