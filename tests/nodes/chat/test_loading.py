"""A language model's prompts, whatever its tokenizer knows of conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tests.voxtral_checkpoint import build as checkpoint
from vflow import Unavailable
from vflow_nodes.chat import loading
from vflow_nodes.chat.loading import LanguageModel
from vflow_nodes.lib import checkpoints
from vflow_nodes.lib.decode.build import Options

MESSAGES = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "And?"},
]


def model(**fields: Any) -> LanguageModel:
    """The demo model's tokenizer, without the model."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoints.locate("smollm2", print))
    return LanguageModel(**{"engine": None, "tokenizer": tokenizer, "window": 2048, "plain": False, **fields})


def test_a_conversation_is_prompted_by_the_model_s_template_up_to_the_reply() -> None:
    language = model()
    text = language.tokenizer.decode(language.prompt("Be kind.", MESSAGES))
    said = ["system\nBe kind.", "user\nHi.", "assistant\nHello.", "user\nAnd?"]
    assert text == "".join(f"<|im_start|>{each}<|im_end|>\n" for each in said) + "<|im_start|>assistant\n"


def test_a_base_model_is_prompted_in_plain_lines() -> None:
    language = model(plain=True)
    lines = ["Be kind.", "", "User: Hi.", "Assistant: Hello.", "User: And?", "Assistant:"]
    assert language.tokenizer.decode(language.prompt("Be kind.", MESSAGES)).split("\n") == lines


def test_where_a_template_has_no_system_role_the_persona_heads_the_first_message() -> None:
    language = model()
    language.tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    )
    text = language.tokenizer.decode(language.prompt("Be kind.", MESSAGES))
    assert text == "[user]Be kind.\n\nHi.[assistant]Hello.[user]And?"


def test_a_model_of_another_kind_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"does not load: it is of another kind \(VoxtralConfig\); set"):
        loading.load(str(checkpoint(tmp_path)), "cpu", "float32", Options(), print)
