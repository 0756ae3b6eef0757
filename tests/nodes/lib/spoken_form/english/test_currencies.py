"""Names of currencies."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english.currencies import AFTER_AMOUNT, MYRIADS


def test_every_currency_has_a_name_for_one_and_for_several() -> None:
    for names in AFTER_AMOUNT.values():
        assert len(names) == 2
        assert all(name and not any(map(str.isdigit, name)) for name in names)


@pytest.mark.parametrize(("scale", "power"), [("万", 4), ("億", 8), ("억", 8)])
def test_scales_of_east_asia_are_powers_of_ten_thousand(scale: str, power: int) -> None:
    assert MYRIADS[scale] == power
