"""Phone numbers, codes, versions and addresses of machines."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english import codes
from vflow_nodes.lib.spoken_form.reading import Stage


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("555-0100", "five five five, zero one zero zero"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("07700 900123", "zero seven seven zero zero, nine zero zero one two three"),
        ("10001-1234", "one zero zero zero one, one two three four"),
        ("030/1234567", "zero three zero, one two three four five six seven"),
        ("4111 1111 1111 1111", "four one one one, one one one one, one one one one, one one one one"),
    ],
)
def test_phone_number_has_pauses_between_its_groups(text: str, spoken: str) -> None:
    reading = codes.phone(look(text))
    assert reading is not None
    assert (reading.spoken, reading.count) == (spoken, len(text.split()))


def test_range_of_hundreds_is_not_read_as_phone_number() -> None:
    assert codes.phone(look("500-1000")) is None


def test_released_start_of_a_phone_number_is_marked_as_phone() -> None:
    reading = codes.phone(look("+1", stage=Stage.RELEASE))
    assert reading is not None
    assert (reading.spoken, reading.kind) == ("plus one", "phone")


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("A-1042B", "A, one zero four two B"),
        ("MP3", "M P three"),
        ("H2O", "H two O"),
        ("XK7P2Q", "X K seven P two Q"),
        ("word", ""),
        ("42", ""),
        ("MP4s", "M P fours"),
        ("C6H12O6", "C six H twelve O six"),
        ("FY2024", "F Y twenty twenty four"),
    ],
)
def test_letters_mixed_with_digits_are_spelled(core: str, spoken: str) -> None:
    assert codes.mixed(core) == spoken


@pytest.mark.parametrize(
    ("core", "named", "spoken"),
    [
        ("v2.0.1", False, "version two point zero point one"),
        ("3.11", True, "three point eleven"),
        ("3.11", False, ""),
        ("2.0.1", False, "two point zero point one"),
    ],
)
def test_version_number_is_said_part_by_part(core: str, named: bool, spoken: str) -> None:
    assert codes.version(core, named) == spoken


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("10.0.0.1", "one zero dot zero dot zero dot one"),
        ("::1", "colon colon one"),
        ("9:30", ""),
        ("12:30:45", ""),
        ("1.2.3", ""),
    ],
)
def test_machine_address_is_said_part_by_part(core: str, spoken: str) -> None:
    assert codes.machine(core) == spoken


def test_groups_of_digits_are_said_digit_by_digit() -> None:
    assert codes.digit_groups("2024-0017") == "two zero two four, zero zero one seven"
    assert codes.digit_groups("5-10") == ""


def test_hexadecimal_number_is_spelled() -> None:
    assert codes.hexadecimal("0x1F") == "zero X one F"


def test_unknown_code_says_every_digit() -> None:
    assert codes.leftover("aB3$k") == "A B three dollar K"
    assert codes.leftover("1,2,3") == "one, two, three"
