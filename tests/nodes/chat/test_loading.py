"""A language model's prompts, whatever its tokenizer knows of conversations."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mistral_common
import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, MistralCommonBackend

from tests.nodes.chat import tiny_model
from tests.voxtral_checkpoint import build as checkpoint
from vflow import Unavailable
from vflow_nodes.chat import loading
from vflow_nodes.chat.loading import LanguageModel
from vflow_nodes.lib import checkpoints
from vflow_nodes.lib.decode.build import Options
from vflow_nodes.lib.decode.errors import Failed

MESSAGES = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "And?"},
]


def model(**fields: Any) -> LanguageModel:
    """Return the demo model's tokenizer, without the model."""
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


def test_without_a_system_role_the_persona_begins_the_first_message() -> None:
    language = model()
    language.tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    )
    text = language.tokenizer.decode(language.prompt("Be kind.", MESSAGES))
    assert text == "[user]Be kind.\n\nHi.[assistant]Hello.[user]And?[assistant]"


def test_a_model_of_another_kind_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"does not load: it is of another kind \(VoxtralConfig\); set"):
        loading.load(str(checkpoint(tmp_path)), "cpu", "float32", Options(), print)


BROKEN = {
    "{% for m in messages %}{{ m.content }": "fails in line 1: unexpected '}'",
    "{{ raise_exception('no luck') }}": "fails: no luck",
    "{{ 'x' * 10**9 }}": "makes a text of more than 1,000,000 characters",
    "{% for i in range(10**9) %}{% endfor %}": "fails: OverflowError: Range too big",
}


@pytest.mark.parametrize("source", BROKEN)
def test_a_model_with_a_broken_chat_template_is_refused_before_its_weights_are_read(
    tmp_path: Path, source: str
) -> None:
    folder = tiny_model.build(tmp_path, source)
    (folder / "model.safetensors").unlink()
    with pytest.raises(Unavailable) as caught:
        loading.load(str(folder), "cpu", "float32", Options(), print)
    assert f"model {str(folder)!r}: its chat template {BROKEN[source]}" in str(caught.value)
    assert "mend its chat_template.jinja" in str(caught.value)


def test_a_model_without_a_chat_template_is_prompted_in_plain_lines(tmp_path: Path) -> None:
    language = loading.load(str(tiny_model.build(tmp_path)), "cpu", "float32", Options(context=300), print)
    assert language.plain
    assert not language.closed
    language.close()
    assert language.closed


def test_a_template_that_fails_later_is_a_decode_error() -> None:
    language = model()
    language.tokenizer.chat_template = "{{ nothing.at.all }}"
    with pytest.raises(
        Failed, match=r"^the model's chat template fails: 'nothing' is undefined; set 'model'"
    ):
        language.prompt("Be kind.", MESSAGES)


@pytest.mark.parametrize("around", ["$A </s>", "<s> <s> $A </s>", "<s> $A", "$A"])
def test_a_prompt_of_plain_lines_begins_once_and_does_not_end(tmp_path: Path, around: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model.build(tmp_path))
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=around, special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    ids = model(tokenizer=tokenizer, plain=True).prompt("Be kind.", MESSAGES)
    assert tokenizer.decode(ids).removeprefix("<s>").startswith("Be kind.")
    assert ids.count(0) == ("<s>" in around)
    assert tokenizer.decode(ids[-1:]) == ":"


def test_a_model_with_mistral_s_own_tokenizer_is_prompted_by_it(tmp_path: Path) -> None:
    data = Path(str(mistral_common.__file__)).parent / "data"
    shutil.copy(next(data.glob("tekken_*.json")), tmp_path / "tekken.json")
    tokenizer = MistralCommonBackend.from_pretrained(tmp_path)
    language = model(tokenizer=tokenizer)
    text = tokenizer.decode(language.prompt("Be kind.", MESSAGES))
    assert text == "<s>[INST]Hi.[/INST]Hello.</s>[INST]Be kind.\n\nAnd?[/INST]"
    with pytest.raises(Failed, match="mistral-common makes no prompt of the conversation"):
        language.prompt("Be kind.", [{"role": "narrator", "content": "It rains."}])
