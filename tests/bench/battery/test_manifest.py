"""A folder of the user's own scenes, and all that may be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.scripted_agent import utterance
from vflow.bench.battery.manifest import folder_scenes
from vflow.bench.battery.noises import level
from vflow.bench.speech import RATE
from vflow.errors import Diagnostic, GraphError
from vflow.packet import MS

Folder = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write a manifest beside `ask.wav`, `hum.wav` (0.7 s, sound from 50 ms on) and `quiet.wav`."""

    def make(text: str) -> str:
        soundfile.write(tmp_path / "ask.wav", utterance(ms=900).samples, RATE)
        soundfile.write(tmp_path / "hum.wav", utterance(ms=600).samples, RATE)
        soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE), RATE)
        (tmp_path / "scenes.yaml").write_text(text)
        return str(tmp_path)

    return make


def found(folder: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(GraphError) as raised:
        folder_scenes(folder)
    return raised.value.diagnostics


def test_each_kind_of_scene_is_read(folder: Folder) -> None:
    made = folder_scenes(
        folder("""
prompt: ask.wav
scenes:
  - {kind: pause, file: hum.wav, end: 500ms}
  - {kind: backchannel, file: hum.wav, at: 1.5s}
  - {kind: interruption, file: hum.wav, name: stop now}
  - {kind: noise, file: hum.wav, at: [1s, 2500ms]}
""")
    )
    assert [scene.name for scene in made] == [
        "pause-hum", "backchannel-hum",
        "interruption-stop-now-600ms", "interruption-stop-now-2s", "interruption-stop-now-4s",
        "noise-hum-1s", "noise-hum-2500ms",
    ]  # fmt: skip
    (asked,) = made[0].sounds
    assert (asked.asks, asked.clip.off_ns) == (True, 500 * MS)
    prompt, over = made[1].sounds
    assert (prompt.clip.said, prompt.asks) == ("ask.wav", True)
    assert (over.into_reply, over.asks, over.clip.said) == (True, False, "hum.wav")
    assert over.after_ns + over.clip.on_ns == 1500 * MS
    assert made[2].sounds[1].asks


def test_a_level_is_below_that_of_the_prompt(folder: Folder) -> None:
    (scene,) = folder_scenes(
        folder("prompt: ask.wav\nscenes: [{kind: background, file: hum.wav, below: 16}]\n")
    )
    user, over = (level(s.clip.samples, s.clip.on_ns, s.clip.off_ns) for s in scene.sounds)
    assert 20 * np.log10(over / user) == pytest.approx(-16, abs=0.1)


@pytest.mark.parametrize(
    ("text", "line", "said", "mend"),
    [
        ("", 0, "the file is empty", "below 'scenes:'"),
        ("prompt: ask.wav\n", 1, "'scenes' is a list of scenes", "below 'scenes:'"),
        ("scenes: hum.wav\n", 1, "'scenes' is a list of scenes, not text", "below 'scenes:'"),
        ("scenes: []\n", 1, "'scenes' is a list of scenes", "below 'scenes:'"),
        ("scene: []\nscenes:\n- {kind: pause, file: hum.wav}\n", 1, "unknown key 'scene'", "scenes"),
        ("scenes:\n- {kind: pauze, file: hum.wav}\n", 2, "kind is one of", "did you mean 'pause'?"),
        ("scenes:\n- {kind: pause}\n", 2, "the scene has no 'file'", "{kind: backchannel"),
        ("scenes:\n- hum.wav\n", 2, "a scene is a mapping, not text", ""),
        ("scenes:\n- {kind: pause, file: none.wav}\n", 2, "no such file", ""),
        ("scenes:\n- {kind: pause, file: quiet.wav}\n", 2, "is silent", ""),
        ("scenes:\n- {kind: pause, file: hum.wav, end: 3s}\n", 2, "end is '3s', outside of hum.wav", "700ms"),
        ("scenes:\n- {kind: pause, file: hum.wav, end: 3}\n", 2, "3 is not a duration", "write 3ms or 3s"),
        ("scenes:\n- {kind: pause, file: hum.wav, at: 3s}\n", 2, "'at' means nothing for pause", "it is for"),
        (
            "scenes:\n- {kind: noise, file: hum.wav, end: 3s}\n",
            2,
            "'end' means nothing for noise",
            "it is for",
        ),
        ("scenes:\n- {kind: noise, file: hum.wav, below: loud}\n", 2, "not a level", "from 0 to 60"),
        ("scenes:\n- {kind: noise, file: hum.wav, of: 3}\n", 2, "unknown key 'of'", "known: kind"),
        ("scenes:\n- {kind: noise, file: hum.wav, at: []}\n", 2, "at names no time", "write 1.5s"),
        ("prompt: no.wav\nscenes:\n- {kind: noise, file: hum.wav}\n", 1, "no such file", ""),
        ("scenes: [\n", 2, "not valid YAML", ""),
    ],
)
def test_a_bad_manifest_is_refused_with_its_place_and_mend(
    folder: Folder, text: str, line: int, said: str, mend: str
) -> None:
    diagnostics = found(folder(text))
    assert said in diagnostics[0].message
    assert mend in diagnostics[0].mend
    place = diagnostics[0].place
    assert place is not None
    assert (Path(place.file).name, place.line) == ("scenes.yaml", line)


def test_two_scenes_of_one_name_are_refused(folder: Folder) -> None:
    entry = "  - {kind: pause, file: hum.wav}\n"
    (twins,) = found(folder(f"scenes:\n{entry}{entry}"))
    assert twins.message == "two scenes are named 'pause-hum'"
    assert "'name'" in twins.mend


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    (missing,) = found(str(tmp_path))
    assert "there is no scenes.yaml in it" in missing.message
    assert "{kind: backchannel, file: mmhmm.wav}" in missing.mend
