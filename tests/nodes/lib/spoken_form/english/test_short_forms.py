"""Tables of short forms."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english import short_forms


@pytest.mark.parametrize(
    "table", ["TITLES", "PLACES", "INSIDE", "BEFORE_NUMBER", "DOTTED", "SLASHED", "STATES"]
)
def test_every_short_form_is_said_without_a_full_stop(table: str) -> None:
    for short, said in getattr(short_forms, table).items():
        assert short
        assert said
        assert "." not in said


def test_sure_states_are_states() -> None:
    assert set(short_forms.STATES) >= short_forms.SURE_STATES
