"""The marks of a reply are found from a tokenizer and its template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tests.nodes.chat import parrot
from vflow_nodes.chat.reply_markup import ends_of, markup_of

TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}|END|{% endfor %}"
LINES = "{% for m in messages %}### {{ m.role.title() }}:\n{{ m.content }}\n{% endfor %}"


def tokenizer(folder: Path, template: str = TURNS, **tokens: Any) -> Any:
    return AutoTokenizer.from_pretrained(parrot.build(folder, ["Hi"], template, **tokens))


def texts_of(found: Any, ends: set[int]) -> set[str]:
    return set(found.convert_ids_to_tokens(sorted(ends)))


def test_declared_ends_and_ends_of_other_families_end_a_reply(tmp_path: Path) -> None:
    found = tokenizer(tmp_path, special=("<|eot_id|>", "<|other|>"), added=("<end_of_turn>",))
    other = found.convert_tokens_to_ids("<|other|>")
    ends = texts_of(found, ends_of(found, [other, None]))
    assert ends == {"<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|other|>"}


def test_the_token_with_which_the_template_ends_the_assistant_s_turn_ends_a_reply(tmp_path: Path) -> None:
    found = tokenizer(tmp_path, TURNS.replace("|END|", "\n<|over|>"), special=("<|over|>",))
    assert "<|over|>" in texts_of(found, ends_of(found, []))


def test_a_header_of_the_user_s_ends_a_reply_and_one_that_may_be_the_model_s_own_does_not(
    tmp_path: Path,
) -> None:
    template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    found = tokenizer(tmp_path / "roles", template, special=("<|user|>", "<|assistant|>"))
    assert texts_of(found, ends_of(found, [])) == {"<|im_end|>", "<|user|>"}
    same = tokenizer(tmp_path / "same", TURNS.replace("|END|", ""))
    assert texts_of(same, ends_of(same, [])) == {"<|im_end|>"}


def test_the_end_of_a_channels_message_does_not_end_the_reply(tmp_path: Path) -> None:
    template = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}"
    marks = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>")
    found = tokenizer(tmp_path, template, special=marks)
    assert texts_of(found, ends_of(found, [])) == {"<|im_end|>", "<|return|>", "<|call|>"}
    plain = tokenizer(tmp_path / "phi", template, special=("<|end|>", "<|user|>"))
    assert "<|end|>" in texts_of(plain, ends_of(plain, []))


def test_a_model_may_think_where_its_tokens_or_its_template_know_the_mark(tmp_path: Path) -> None:
    assert markup_of(tokenizer(tmp_path / "token", added=("</think>",))).thinks
    assert markup_of(tokenizer(tmp_path / "template", TURNS + "{# </reasoning> #}")).thinks
    assert not markup_of(tokenizer(tmp_path / "none", added=("<unused95>",))).thinks


def test_a_line_of_text_that_begins_the_user_s_turn_ends_a_reply(tmp_path: Path) -> None:
    assert markup_of(tokenizer(tmp_path / "lines", LINES)).stops == ("\n### User:",)
    assert markup_of(tokenizer(tmp_path / "turns")).stops == ()


@pytest.mark.parametrize("template", ["", "{{ nothing.at.all }}"])
def test_without_a_template_the_tokens_alone_tell(tmp_path: Path, template: str) -> None:
    found = tokenizer(tmp_path, template, added=("<|eot_id|>",))
    assert texts_of(found, ends_of(found, [])) == {"<|im_end|>", "<|eot_id|>"}
    assert markup_of(found).plain == (not template)
