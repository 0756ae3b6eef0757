"""Text that is written as it is said, and nothing of it expanded."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from vflow_nodes.lib.hibari_g2p import phonemes

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("hibari"), reason="needs hibari-tts")


@pytest.fixture(scope="module")
def g2p() -> Any:
    from hibari.g2p import G2P

    return G2P(british=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The answer is no.", ["ði ˈænsəɹ ɪz nˈO."]),  # noqa: RUF001
        ("I ate a fig.", ["ˌI ˈAt ɐ fˈɪɡ."]),  # noqa: RUF001
        ("King Charles", ["kˈɪŋ ʧˈɑɹlz"]),  # noqa: RUF001
        ("Yes. It is.", ["jˈɛs.", "ˌɪt ɪz."]),  # noqa: RUF001
        ("—", ["—"]),
        ("", []),
    ],
)
def test_ordinary_words_keep_their_pronunciation(g2p: Any, text: str, said: list[str]) -> None:
    assert phonemes(g2p, text) == said


@pytest.mark.parametrize(
    "text", ["A P I", "the A P I.", "nine A M", "A A batteries", "D N A", "the N B A, too", "A T and T"]
)
def test_letter_a_among_letters_is_not_read_as_article(g2p: Any, text: str) -> None:
    (said,) = phonemes(g2p, text)
    assert said.count("ˈA") == text.count("A")  # noqa: RUF001
    assert "ɐ" not in said


def test_article_a_is_still_read_as_article(g2p: Any) -> None:
    assert phonemes(g2p, "A dog, a plan.") == ["ɐ dˈɔɡ, ɐ plˈæn."]  # noqa: RUF001
