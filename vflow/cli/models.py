"""`vflow models list | pull NAME`: which models vflow knows, which are here, and how they get here."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TextIO

from vflow import models
from vflow.cli.main import FAILED, OK, USAGE
from vflow.errors import Unavailable

BAR = 30
"""Cells of the progress bar."""
STEPS = 10
"""Lines of a whole pull, where a line cannot be redrawn."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the models by name, with size, licence and place")
    pull = actions.add_parser("pull", help="fetch a model into the cache")
    pull.add_argument("name", metavar="NAME", help="its name, from 'vflow models list'")


def main(args: argparse.Namespace) -> int:
    """Returns 0; 1 where a model cannot be fetched; 2 for a name that nothing has."""
    return listing() if args.action == "list" else pull(args.name)


def listing() -> int:
    """Print every model that vflow knows."""
    width = max((len(model.name) for model in models.known()), default=0)
    for model in models.known():
        state = "present" if models.is_present(model.name) else "not here"
        print(f"{model.name:<{width}}  {_size(model.size):>8}  {state:<8}  {model.about}")
        print(f"{'':<{width}}  licence: {model.licence}")
        print(f"{'':<{width}}  place: {models.path(model.name)}")
    print("fetch one with 'vflow models pull NAME'; VFLOW_CACHE moves the cache")
    return OK


def pull(name: str) -> int:
    """Fetch what is missing or damaged of a model. Ctrl-C leaves nothing half done; the next pull starts
    anew."""
    try:
        model = models.find(name)
    except Unavailable as error:
        print(f"vflow models pull: error: {error}", file=sys.stderr)
        return USAGE
    before = _stamps(model)
    bar = ProgressBar(sys.stderr)
    try:
        print(f"{name}: {_size(model.size)}, licence {model.licence}", file=sys.stderr)
        path = models.pull(name, bar.show)
    except Unavailable as error:
        bar.end()
        print(f"vflow models pull: error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        bar.end()
        here = models.is_present(name)
        state = "here as it was: nothing was changed" if here else "not here: nothing was kept of it"
        print(f"{name} is {state}", file=sys.stderr)
        raise
    bar.end()
    unchanged = _stamps(model) == before
    print(f"{name} is {'here, and whole: nothing was fetched' if unchanged else 'fetched'}: {path}")
    return OK


def _stamps(model: models.Model) -> list[int | None]:
    """When each file of a model was written: a pull writes all of them, or none."""
    files = [models.path(model.name) / file.name for file in model.files]
    return [file.stat().st_mtime_ns if file.is_file() else None for file in files]


@dataclass(slots=True)
class ProgressBar:
    """Shows progress in one line that is redrawn on a terminal, elsewhere in ten lines a pull."""

    stream: TextIO
    _text: str = ""
    _step: int = -1
    _width: int = 0

    def show(self, text: str, fraction: float | None) -> None:
        """What is going on, and how much of it is done: 0 to 1, or None where nobody knows."""
        if self.stream.isatty():
            self._redraw(text, fraction)
            return
        if fraction is None:
            if text != self._text:
                print(text, file=self.stream, flush=True)
        elif (step := int(fraction * STEPS + 1e-9)) > self._step:
            print(f"{text}: {fraction:.0%}", file=self.stream, flush=True)
            self._step = step
        self._text = text

    def _redraw(self, text: str, fraction: float | None) -> None:
        line = text
        if fraction is not None:
            full = round(fraction * BAR)
            line = f"[{'#' * full}{'.' * (BAR - full)}] {fraction:4.0%}  {text}"
        self.stream.write(f"\r{line:<{self._width}}")
        self.stream.flush()
        self._width = len(line)

    def end(self) -> None:
        """Leave the line that was redrawn."""
        if self._width:
            self.stream.write("\n")
            self.stream.flush()
            self._width = 0


def _size(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
