"""Hand the turns of one conversation to the export of spans, each once."""

from __future__ import annotations

from vflow.otel.span_export import SpanExport
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline


class TurnFeed:
    """Of one pipeline and its log; `conversation` names it in the spans. Any thread, one at a time."""

    def __init__(self, export: SpanExport, conversation: str, pipeline: Pipeline, log: TurnLog) -> None:
        self._export, self._conversation, self._pipeline, self._log = export, conversation, pipeline, log
        self._reader = log.new_reader()

    def more(self) -> None:
        """Hand over the turns that have ended since the last call."""
        for turn in self._log.take_ended(self._reader):
            self._export.add(self._conversation, self._pipeline, turn)

    def end(self) -> None:
        """Hand over all that is left, turns that did not end too."""
        self.more()
        for turn in self._log.unfinished():
            self._export.add(self._conversation, self._pipeline, turn)
