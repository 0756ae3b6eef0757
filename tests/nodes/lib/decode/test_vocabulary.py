"""The text of random tokens, one by one, beside what the tokenizer makes of all of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import mistral_common
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, MistralCommonBackend, PreTrainedTokenizerFast

from tests.nodes.lib.decode.models import examples, text_of
from vflow_nodes.lib.checkpoints import converted
from vflow_nodes.lib.decode.vocabulary import TextStream, Vocabulary, vocabulary_of
from vflow_nodes.lib.decode.words import Words

CORPUS = [
    "The cat's price: 5 € — naïve café, isn't it?\nYes!",
    "日本語のテキスト and ไทย, 한국어 👩‍👧 🎉 done.",
    "  two spaces\tand tabs\n\nand lines",
]


def byte_level() -> PreTrainedTokenizerFast:
    """Make a tokenizer with GPT-2's alphabet, in which many tokens are parts of characters."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("Ġodd é", normalized=False)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def sentencepiece() -> PreTrainedTokenizerFast:
    """Make a tokenizer like Llama 2's: a block for a space, and bytes where no token fits. Like every
    vocabulary of many languages it has letters that stand for bytes in GPT-2's alphabet."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = sorted({w for line in CORPUS for w in re.findall(r" ?\w+|\S", line)})
    pieces += [*dict.fromkeys(word.replace(" ", "▁") for word in words), "▁", "▁▁", "▁a▁", "Ġ", "▁Ċ"]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def gemma() -> PreTrainedTokenizerFast:
    """Make a tokenizer like Gemma's: runs of spaces and lines are added tokens, as blocks."""
    tokenizer = sentencepiece()
    inner = tokenizer.backend_tokenizer
    inner.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    inner.add_tokens([AddedToken(t, normalized=False) for t in ("▁▁", "▁▁▁▁", "\n\n", "<tool>")])
    return tokenizer


def unigram() -> PreTrainedTokenizerFast:
    """Make a tokenizer with a block for a space and without byte tokens: "<0x41>" is plain text."""
    letters = sorted({c for line in CORPUS for c in line if not c.isspace()})
    pieces = ["<unk>", "</s>", "▁", "▁the", "<0x41>", "▁cat", "Ġ", *letters]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(n)) for n, piece in enumerate(pieces)], 0, False))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>")


def wordpiece() -> PreTrainedTokenizerFast:
    """Make a tokenizer without blocks or bytes: a token that continues a word begins with ##."""
    vocabulary = {t: i for i, t in enumerate(["[UNK]", "[SEP]", "the", "cat", "##s", "##ed", "é", "sat"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="[SEP]", unk_token="[UNK]")


MADE: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "byte-level": byte_level,
    "sentencepiece": sentencepiece,
    "gemma": gemma,
    "unigram": unigram,
    "wordpiece": wordpiece,
}


@cache
def tokenizer_of(kind: str) -> Any:
    if kind == "smollm2":
        return AutoTokenizer.from_pretrained(converted("smollm2", print))
    return MADE[kind]()


@cache
def vocabulary(kind: str) -> Vocabulary:
    tokenizer = tokenizer_of(kind)
    return vocabulary_of(tokenizer, {tokenizer.eos_token_id})


def test_the_end_of_a_prompt_is_text_with_its_special_tokens_and_without_what_is_no_token() -> None:
    words = vocabulary("byte-level")
    (end,) = words.ends
    tokens = tokenizer_of("byte-level")("The cat.")["input_ids"]
    assert words.tail([*tokens, end]) == f"The cat.{tokenizer_of('byte-level').eos_token}"
    assert words.tail([end, -7, *tokens]) == "The cat."
    assert words.tail([end, *tokens], tokens=len(tokens)) == "The cat."


LOST = "\N{REPLACEMENT CHARACTER}"
KINDS = ["smollm2", *MADE]


def streamed(vocabulary: Vocabulary, tokens: list[int]) -> str:
    stream = TextStream(vocabulary)
    return "".join(stream.push(token) for token in tokens)


def drawn(data: st.DataObject, kind: str) -> list[int]:
    """Draw random tokens, with special ones and those of a text among them."""
    tokenizer = tokenizer_of(kind)
    anything = st.lists(st.integers(0, len(tokenizer) - 1), max_size=30)
    text = st.text(st.sampled_from("aé€日👩 \n.-*x1"), max_size=12)
    return [*data.draw(anything), *tokenizer(data.draw(text), add_special_tokens=False)["input_ids"]]


@pytest.mark.parametrize("kind", KINDS)
@examples(150)
@given(st.data())
def test_text_that_comes_token_by_token_is_that_of_all_tokens(kind: str, data: st.DataObject) -> None:
    tokenizer, tokens = tokenizer_of(kind), drawn(data, kind)
    if kind == "wordpiece":
        tokens.insert(0, 2)  # a word: it prints ## where a text begins with the rest of one
    whole = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    text = streamed(vocabulary(kind), tokens)
    assert LOST not in text
    if kind in ("smollm2", "byte-level"):
        assert text == whole.replace(LOST, "")
    elif LOST not in whole:  # else it gives up a whole run of bytes where one is no character
        assert whole in (text, text.removeprefix(" "))  # some strip a space at the very start
    assert text_of(vocabulary(kind), tokens) == text


@pytest.mark.parametrize("kind", KINDS)
@examples(100)
@given(st.data())
def test_word_count_is_at_least_the_number_of_space_marks(kind: str, data: st.DataObject) -> None:
    """In scripts without spaces there are more words than marks: the host counts those."""
    words, tokens = vocabulary(kind), drawn(data, kind)
    text = streamed(words, tokens)
    opens, joins, gaps = marks(kind)
    counted, gap = 0, True
    for token in tokens:
        counted += opens[token] + (gap and joins[token])
        gap = gaps[token]
    splitter = Words()
    assert counted <= len([*splitter.push(text), *splitter.finish()])


@cache
def marks(kind: str) -> tuple[list[int], list[bool], list[bool]]:
    opens, joins, gaps = vocabulary(kind).marks(len(tokenizer_of(kind)))
    return opens.tolist(), joins.tolist(), gaps.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_each_token_has_the_text_that_the_tokenizer_gives_it_after_another(kind: str) -> None:
    tokenizer, words = tokenizer_of(kind), vocabulary(kind)
    first = tokenizer("the", add_special_tokens=False)["input_ids"]
    for token in range(len(tokenizer)):
        whole = tokenizer.decode(
            [*first, token], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        if LOST not in whole:
            text = streamed(words, [*first, token])
            assert whole in (text, text.removeprefix(" "))


def test_text_of_tekken_tokens_is_that_of_their_bytes(tmp_path: Path) -> None:
    """The file in Mistral's own format comes from the package mistral-common."""
    data = Path(str(mistral_common.__file__)).parent / "data"
    shutil.copy(next(data.glob("tekken_*.json")), tmp_path / "tekken.json")
    tokenizer = MistralCommonBackend.from_pretrained(tmp_path)
    words = vocabulary_of(tokenizer, {tokenizer.eos_token_id})
    for text in (*CORPUS, "你好，世界。👩"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert streamed(words, ids) == text


def test_byte_level_vocabulary_in_python_uses_its_own_table() -> None:
    tokens = ["Ġthe", "ĠÃ©", "Ã", "</s>"]

    class Slow:
        added_tokens_decoder: ClassVar[dict[int, Any]] = {}
        all_special_ids = (3,)
        byte_decoder: ClassVar[dict[str, int]] = {}

        def __len__(self) -> int:
            return len(tokens)

        def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
            return [tokens[i] for i in ids]

    assert vocabulary_of(Slow(), {3}).pieces == [b" the", " é".encode(), b"\xc3", b""]


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_have_no_text_and_end_a_reply(kind: str) -> None:
    words, tokenizer = vocabulary(kind), tokenizer_of(kind)
    assert words.ends == {tokenizer.eos_token_id}
    assert {words.pieces[i] for i in tokenizer.all_special_ids} == {b""}
    assert len(words.pieces) == len(tokenizer)


def test_an_ordinary_text_is_counted_word_by_word() -> None:
    text = "It isn't far: 5 km, or 3.1 miles - about\nan hour's walk. Well-known, *really*?"
    tokens = tokenizer_of("smollm2")(text)["input_ids"]
    opens, joins, gaps = marks("smollm2")
    counted, gap = 0, True
    for token in tokens:
        counted += opens[token] + (gap and joins[token])
        gap = gaps[token]
    splitter = Words()
    said = [*splitter.push(text), *splitter.finish()]
    assert len(said) - 2 <= counted <= len(said)


def test_a_character_comes_with_its_last_byte() -> None:
    """The tokens are bytes."""
    words = Vocabulary([bytes([i]) for i in range(256)], frozenset())
    stream = TextStream(words)
    pieces = [stream.push(byte) for byte in "a€👩".encode()]
    assert pieces == ["a", "", "", "€", "", "", "", "👩"]


@examples(200)
@given(st.binary(max_size=40))
def test_bytes_that_are_no_character_are_left_out(data: bytes) -> None:
    words = Vocabulary([bytes([i]) for i in range(256)], frozenset())
    assert streamed(words, list(data)) == data.decode(errors="ignore")


def test_marks_of_a_vocabulary_larger_than_the_tokenizers_count_nothing() -> None:
    opens, joins, gaps = Vocabulary([b" a", b"b"], frozenset()).marks(5)
    assert opens.tolist() == [1, 0, 0, 0, 0]
    assert joins.tolist() == [False, True, False, False, False]
    assert gaps.tolist() == [False] * 5


def test_a_token_that_pads_a_models_matrix_has_no_text() -> None:
    stream = TextStream(Vocabulary([b"a"], frozenset()))
    assert [stream.push(token) for token in (0, 1, 7)] == ["a", "", ""]
