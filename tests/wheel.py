"""Test the wheel alone: built from the sdist, installed into a fresh environment, run in an empty folder.

`make wheel-test` runs it. It is no part of `make test`, since it installs torch once more.
"""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import soundfile

import vflow

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME, DIST_INFO = "vflow-voice", f"vflow_voice-{vflow.__version__}.dist-info"
PIPELINES = sorted(file.stem for file in (ROOT / "pipelines").glob("*.yaml"))


def main(torch: str) -> None:
    """Build, install and try it. Raises: AssertionError; CalledProcessError, after printing the output of the
    command that failed."""
    with tempfile.TemporaryDirectory(prefix="vflow-wheel-") as scratch:
        folder = Path(scratch)
        run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT))
        (wheel,) = folder.glob("*.whl")
        the_wheel_holds_the_packages_and_the_pipelines_and_nothing_else(wheel)
        its_metadata_says_what_readme_says(wheel)
        python = installed(wheel, folder / "environment", torch)
        (folder / "empty").mkdir()
        os.chdir(folder / "empty")
        its_commands_work(python.with_name("vflow"))
        the_demo_answers_aloud(python.with_name("vflow"), folder / "environment")
        os.chdir(ROOT)
    print(f"{wheel.name}: it is whole, and answers aloud on its own")


def run(*command: str | Path) -> str:
    """Return the command's stdout; no variable of ours leads it back into the checkout."""
    print("$", *command, flush=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        done.check_returncode()
    return done.stdout


def the_wheel_holds_the_packages_and_the_pipelines_and_nothing_else(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    held = {name for name in names if not name.startswith(f"{DIST_INFO}/")}
    wanted = {*files("vflow", "vflow"), *files("nodes/vflow_nodes", "vflow_nodes")}
    wanted |= {*files("pipelines", "vflow/pipelines")}
    assert held == wanted, held ^ wanted
    assert {"vflow/py.typed", "vflow_nodes/py.typed", "vflow/pipelines/question.wav"} <= held
    assert f"{DIST_INFO}/licenses/LICENSE" in names


def files(folder: str, place: str) -> Iterator[str]:
    """Yield the files of a folder of the checkout, by their names in the wheel."""
    for file in (ROOT / folder).rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"{place}/{file.relative_to(ROOT / folder).as_posix()}"


def its_metadata_says_what_readme_says(wheel: Path) -> None:
    metadata = email.message_from_bytes(ZipFile(wheel).read(f"{DIST_INFO}/METADATA"))
    assert (metadata["Name"], metadata["Version"]) == (NAME, vflow.__version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {extra for extras in re.findall(rf"{NAME}\[([\w,]+)\]", readme) for extra in extras.split(",")}
    assert named == {*metadata.get_all("Provides-Extra", ())} - {"dev"}


def installed(wheel: Path, environment: Path, torch: str) -> Path:
    """Install the wheel into a fresh environment; return its interpreter. Torch goes first, or pip would
    choose another one."""
    pip = "-m", "pip", "install", "--quiet", "--no-compile"  # most modules are never imported
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, *pip, torch)
    run(python, *pip, f"{NAME}[speech] @ {wheel.as_uri()}")
    run(python, "-m", "pip", "check")
    return python


def its_commands_work(command: Path) -> None:
    assert run(command, "--version") == f"vflow {vflow.__version__}\n"
    assert run(command, "check", *PIPELINES).count("/vflow/pipelines/") == len(PIPELINES)
    listed = run(command, "inspect").split()
    assert set(PROJECT["entry-points"]["vflow.nodes"]) <= set(listed)
    assert "usage: vflow bench" in run(command, "bench", "--help")


def the_demo_answers_aloud(command: Path, environment: Path) -> None:
    run(command, "models", "pull", "smollm2")
    (question,) = environment.rglob("vflow/pipelines/question.wav")
    said = run(command, "run", "voice_agent", "--input", question, "--output", "reply.wav")
    assert "What is the capital of France?" in said
    samples, rate = soundfile.read("reply.wav", dtype="float32")
    loud = np.abs(samples) > 0.1
    assert loud.sum() > rate / 20, "the reply is silent"


if __name__ == "__main__":
    main(*sys.argv[1:])
