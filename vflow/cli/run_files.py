"""The files of `vflow run`: one run for each input, with its recording and its report."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile

from vflow.cli import graph_options
from vflow.errors import Diagnostic, GraphError, Place
from vflow.graph.file_uses import FileUse, clashes
from vflow.report.report_file import why_not_writable

STDIN = "-"
SOUNDS = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".rf64", ".w64",
)  # fmt: skip
"""Endings by which the files of a folder count as sounds."""
ENCODED = {".mp3": "MP3", ".flac": "FLAC", ".ogg": "OGG"}
"""Formats of a recording other than wav, by ending."""
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one run. `recording` is the wav that is played into: `output` itself, or the file from
    which `output` is made at the end."""

    input: str | None = None
    output: str | None = None
    report: str | None = None
    recording: str | None = None
    title: str = ""
    """The name of the input, if there are several."""


def find_runs(
    inputs: Sequence[str], output: str | None, report: str | None, stdin: str | None
) -> list[RunFiles]:
    """Return one run for each input; those of a folder are sorted by name. `stdin` is the file with standard
    input's content.

    Folders for `output` and `report` are made. Raises: GraphError for a folder without sound, and for a
    single file if there are several inputs.
    """
    found: list[str] = []
    for name in inputs:
        found += _sounds(name) if os.path.isdir(name) else [stdin or name] if name == STDIN else [name]
    if len(inputs) < 2 and not any(map(os.path.isdir, inputs)):
        return [RunFiles(found[0] if found else None, output, report, output)]
    for option, folder in (("--output", output), ("--report", report)):
        if folder is not None:
            _make_folder(option, folder, len(found))
    runs, taken = [], set[str]()
    for number, file in enumerate(found, 1):
        stem = name = Path(file).stem
        again = 1
        while name in taken:
            again += 1
            name = f"{stem}-{again}"
        taken.add(name)
        recording = os.path.join(output, f"{name}.wav") if output is not None else None
        written = os.path.join(report, f"{name}.json") if report is not None else None
        runs.append(RunFiles(file, recording, written, recording, f"{file} ({number} of {len(found)})"))
    return runs


def _sounds(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise _refused(
            f"--input: cannot be read ({error.strerror})", folder, "name another folder"
        ) from error
    sounds = [name for name in names if name.lower().endswith(SOUNDS) and not name.startswith(".")]
    files = [path for name in sounds if os.path.isfile(path := os.path.join(folder, name))]
    if not files:
        mend = f"name a folder with sounds in it: {', '.join(ending[1:] for ending in SOUNDS[:6])}"
        raise _refused("--input: the folder holds no sound", folder, mend)
    return files


def _make_folder(option: str, folder: str, count: int) -> None:
    if os.path.isdir(folder):
        return
    stem, ending = os.path.splitext(folder.rstrip(os.sep))
    if os.path.lexists(folder) or ending.lower() in (*SOUNDS, ".json"):
        many = f"{count} inputs" if count > 1 else "a folder of inputs"
        mend = f"name a folder: {option} {stem}{os.sep}"
        raise _refused(
            f"{option}: is a single file, and {many} are given: each has a file of its own", folder, mend
        )
    try:
        os.mkdir(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _refused(
            f"{option}: the folder cannot be made ({reason})", folder, "name another folder"
        ) from error


def _refused(message: str, place: str, mend: str) -> GraphError:
    return GraphError([Diagnostic(message, Place(place), mend)])


def check(graph_file: str, runs: Sequence[RunFiles]) -> None:
    """Check the files. Raises: GraphError if an output cannot be written, or would overwrite an input."""
    uses = [FileUse(graph_file, "reads", "the graph"), *graph_options.model_caches()]
    uses += [FileUse(run.input, "reads", "--input") for run in runs if run.input]
    for run in runs:
        for option, file in (("--output", run.output), ("--report", run.report)):
            if file is None:
                continue
            if reason := why_not_writable(file):
                raise _refused(f"{option}: {reason}", file, "name another file")
            uses.append(FileUse(file, "writes", option, Place(file)))
    if found := list(clashes(uses)):
        raise GraphError(found)


@contextlib.contextmanager
def standard_input(inputs: Sequence[str]) -> Iterator[str | None]:
    """If `inputs` name standard input, read it into a file that exists as long as the context.

    Raises: GraphError if nothing comes.
    """
    if STDIN not in inputs:
        yield None
        return
    stream = getattr(sys.stdin, "buffer", None)
    if inputs.count(STDIN) > 1 or stream is None or stream.isatty():
        why = "is given twice" if inputs.count(STDIN) > 1 else "standard input is closed, or a terminal"
        raise _refused(f"--input {STDIN}: {why}", "--input", "pipe a sound into it, as wav")
    with tempfile.TemporaryDirectory(prefix="vflow-") as folder:
        file = Path(folder, "standard-input.wav")
        with file.open("wb") as kept:
            while block := stream.read(_BLOCK):
                kept.write(block)
        if not file.stat().st_size:
            raise _refused(f"--input {STDIN}: nothing came", "--input", "pipe a sound into it, as wav")
        yield str(file)


@contextlib.contextmanager
def encoded(run: RunFiles) -> Iterator[RunFiles]:
    """If the output is no wav, yield a run that plays into a wav beside it, and encode that at the end.

    Raises: GraphError for a format that cannot be written here; OSError at the end. Ctrl-C leaves the wav.
    """
    kind = ENCODED.get(os.path.splitext(run.output or "")[1].lower())
    if run.output is None or kind is None:
        yield run
        return
    if kind not in soundfile.available_formats():
        mend = f"name {Path(run.output).with_suffix('.wav')}"
        raise _refused(f"--output: {kind.lower()} is not written on this machine", run.output, mend)
    number, wav = tempfile.mkstemp(dir=os.path.dirname(run.output) or ".", prefix=".vflow-", suffix=".wav")
    os.close(number)
    output = os.path.abspath(run.output)  # a node may change the working directory
    wav = os.path.abspath(wav)
    try:
        yield replace(run, recording=wav)
        if os.path.getsize(wav):
            _encode(wav, output, kind)
    except KeyboardInterrupt:
        if not os.path.getsize(wav):
            raise
        raise KeyboardInterrupt(f"interrupted; the recording is {_kept(wav, output)}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(wav)


def _encode(wav: str, output: str, kind: str) -> None:
    try:
        with (
            soundfile.SoundFile(wav) as read,
            soundfile.SoundFile(output, "w", read.samplerate, read.channels, format=kind) as written,
        ):
            for block in read.blocks(_BLOCK, dtype="float32"):
                written.write(block)
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".")
        text = f"{output} cannot be written: {why}; the recording is {_kept(wav, output)}"
        raise OSError(text) from error
    except KeyboardInterrupt:
        os.unlink(output)
        raise


def _kept(wav: str, output: str) -> str:
    """Keep the wav beside the output that could not be made from it. Return its new name."""
    kept = f"{output}.wav"
    os.replace(wav, kept)
    return kept
