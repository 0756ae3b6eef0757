"""The stages of a turn: in order, without gaps, whatever moments there are."""

from __future__ import annotations

import itertools

import pytest

from vflow.report.stages import Stage, ends_of, parts, stages

WHOLE = {
    "speech_start": 0, "voice_off": 100, "decided": 600, "transcript": 650, "first_word": 700, "voiced": 900,
    "audible": 950, "silent": 2_000, "reply_end": 2_100,
}  # fmt: skip


def shown(at_ns: dict[str, int]) -> list[tuple[str, int, int]]:
    return [(stage.name, stage.start_ns, stage.end_ns) for stage in stages(at_ns)]


def test_a_turn_goes_from_the_last_sound_to_the_end_of_its_reply() -> None:
    assert shown(WHOLE) == [
        ("endpoint", 0, 500),
        ("transcript", 500, 550),
        ("thinking", 550, 600),
        ("voice", 600, 800),
        ("device", 800, 850),
        ("speaking", 850, 2_000),
    ]


@pytest.mark.parametrize(
    ("lacking", "names"),
    [
        ("transcript", ["endpoint", "thinking", "voice", "device", "speaking"]),
        ("voiced", ["endpoint", "transcript", "thinking", "voice", "speaking"]),
        ("voice_off", ["transcript", "thinking", "voice", "device", "speaking"]),
        ("reply_end", ["endpoint", "transcript", "thinking", "voice", "device", "speaking"]),
        ("first_word", ["endpoint", "transcript", "voice", "device", "speaking"]),
    ],
)
def test_a_stage_of_which_nothing_is_known_is_a_part_of_the_next(lacking: str, names: list[str]) -> None:
    found = shown({name: at for name, at in WHOLE.items() if name != lacking})
    assert [name for name, *_ in found] == names
    assert all(one[2] == other[1] for one, other in itertools.pairwise(found))


def test_a_moment_that_came_too_early_ends_a_stage_of_no_length() -> None:
    found = stages({"voice_off": 500, "decided": 400, "first_word": 300, "audible": 900, "reply_end": 950})
    assert found[:2] == [Stage("endpoint", 0, 0), Stage("thinking", 0, 0)]


def test_interruption_marks_the_stage_it_ended_as_cut() -> None:
    cut = {"decided": 0, "first_word": 40, "audible": 90, "flushed": 500, "silent": 510}
    assert stages(cut)[-1] == Stage("speaking", 90, 510, cut=True)
    assert stages({"decided": 0, "flushed": 30}) == [Stage("transcript", 0, 30, cut=True)]
    found = stages({"decided": 0, "transcript": 10, "first_word": 20, "flushed": 30})
    assert found[-1] == Stage("voice", 20, 30, cut=True)


def test_turn_without_an_end_has_no_stages() -> None:
    assert stages({"speech_start": 0}) == []
    assert ends_of({"speech_start": 0}) == {"speech_start": 0}


def test_parts_lie_on_the_time_line_of_the_pipeline_from_where_the_user_began() -> None:
    found = parts({"speech_start": 1_000, "voice_off": 1_100, "decided": 1_600, "first_word": 1_700})
    assert found == [
        Stage("user", 1_000, 1_100),
        Stage("endpoint", 1_100, 1_600),
        Stage("thinking", 1_600, 1_700),
    ]


def test_typed_turn_has_no_part_of_the_user() -> None:
    assert parts({"decided": 500, "first_word": 600}) == [Stage("thinking", 500, 600)]
    assert parts({"speech_start": 100}) == []
