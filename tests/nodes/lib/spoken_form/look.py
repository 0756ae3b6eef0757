"""Make looks at words, as the buffer makes them, for tests of single readings."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.reading import Before, Look, Stage
from vflow_nodes.lib.spoken_form.word import take_apart

INSIDE = Before("then", paused=False, ended=False)
"""The word before, in the middle of a sentence."""


def look(text: str, before: Before = INSIDE, stage: Stage = Stage.FINISH) -> Look:
    return Look([take_apart(word) for word in text.split()], before, stage)
