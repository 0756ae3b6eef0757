"""The bytes of a token follow the steps of the decoder that its tokenizer declares."""

from __future__ import annotations

from typing import Any

import pytest

from vflow_nodes.lib.decode.token_bytes import byte_level, of_json

BLOCKS: dict[str, Any] = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
FALLBACK, FUSE = {"type": "ByteFallback"}, {"type": "Fuse"}
STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}


def sequence(*steps: Any) -> dict[str, Any]:
    return {"type": "Sequence", "decoders": list(steps)}


@pytest.mark.parametrize(
    ("decoder", "token", "expected"),
    [
        ({"type": "ByteLevel"}, "Ġé", b" \xe9"),
        (sequence({"type": "ByteLevel"}), "▁Ġ", "▁Ġ".encode()),
        (sequence(BLOCKS, FALLBACK, FUSE, STRIP), "▁Ġ", " Ġ".encode()),
        (sequence(BLOCKS, FALLBACK, FUSE), "<0xE2>", b"\xe2"),
        (sequence(sequence(BLOCKS), sequence(FALLBACK, FUSE)), "▁▁", b"  "),
        ({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}, "▁a", b" a"),
        ({"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"}, "_a▁", " a▁".encode()),
        (BLOCKS, "<0x41>", b"<0x41>"),
    ],
)
def test_a_token_is_decoded_as_its_tokenizer_declares(decoder: Any, token: str, expected: bytes) -> None:
    made = of_json({"decoder": decoder})
    assert made is not None
    assert made(token) == expected


@pytest.mark.parametrize(
    "decoder",
    [
        {"type": "WordPiece", "prefix": "##", "cleanup": True},
        {"type": "CTC", "pad_token": "<pad>"},
        sequence(BLOCKS, STRIP, FUSE),
        {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"},
        None,
    ],
)
def test_a_decoder_that_looks_at_more_than_a_token_is_not_read(decoder: Any) -> None:
    assert of_json({"decoder": decoder, "pre_tokenizer": {"type": "Whitespace"}}) is None


def test_without_a_decoder_the_pre_tokenizer_gives_the_bytes() -> None:
    split = {"type": "Split"}
    kept = {
        "decoder": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, {"type": "ByteLevel"}]},
    }
    assert of_json(kept) is byte_level
