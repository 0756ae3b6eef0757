"""Load language models with their tokenizers, and make the prompt of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from vflow import Unavailable
from vflow_nodes.chat import reply_markup, template
from vflow_nodes.chat.template import BrokenTemplate
from vflow_nodes.chat.template_form import Form
from vflow_nodes.lib import checkpoints
from vflow_nodes.lib.checkpoints import Dtype, Progress
from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import Failed
from vflow_nodes.lib.decode.vocabulary import vocabulary_of


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A running engine and its tokenizer; `window` is in tokens.

    `plain`: whether the tokenizer has no chat template; a reply is then one line.
    """

    engine: Engine
    tokenizer: Any
    window: int
    plain: bool

    def prompt(self, persona: str, messages: Sequence[Mapping[str, str]], think: bool = False) -> list[int]:
        """Return the tokens of a conversation, up to where the assistant's reply begins. With `think`, do not
        ask the template for a reply without thoughts. Raises: DecodeError if it makes no prompt."""
        if self.plain:
            lines = [f"{message['role'].title()}: {message['content']}" for message in messages]
            return begun(self.tokenizer, "\n".join([persona, "", *lines, "Assistant:"]))
        if _is_common(self.tokenizer):
            return self._common_prompt(persona, messages)
        try:
            text = template.render(self.tokenizer, persona, messages, think)
        except BrokenTemplate as error:
            raise Failed(f"the model's chat template {error}; set 'model' to another") from error
        # no special tokens added: the template has written those that begin a text
        made: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return made

    def _common_prompt(self, persona: str, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the prompt that mistral-common makes, without a template. Raises: DecodeError."""
        said = Form().messages(persona, messages)
        try:
            ids: list[int] = self.tokenizer.apply_chat_template(said, tokenize=True, return_dict=False)
        except Exception as error:  # pydantic's and mistral-common's own
            raise Failed(f"mistral-common makes no prompt of the conversation: {error}") from error
        return ids

    def queue(self) -> dict[str, float]:
        """Return who waits for it; any thread."""
        return self.engine.queue()

    @property
    def closed(self) -> bool:
        """Whether its engine has ended: the next node that asks for the model gets a fresh one."""
        return not self.engine.open

    def close(self) -> None:
        """End the engine's thread; called when its last user leaves."""
        self.engine.close()


def load(name: str, device: str, dtype: Dtype, options: Options, progress: Progress) -> LanguageModel:
    """Load a model by a known name, a directory or a hub name, and start its engine. Blocks; any thread.

    Raises: Unavailable with what mends it.
    """
    source = checkpoints.locate(name, progress)
    progress(f"loading {name}")
    with checkpoints.loading(name, device, "a Hugging Face causal language model"):
        tokenizer = AutoTokenizer.from_pretrained(source)
        _check_template(name, tokenizer)
        exact = checkpoints.dtype_for(device, dtype)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=exact).eval()
        if not options.int8:  # int8: each matrix moves on its own, once it is narrow
            model.to(device)
        ends = model.generation_config.eos_token_id
        every = [tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])]
        vocabulary = vocabulary_of(
            tokenizer, reply_markup.ends_of(tokenizer, every), reply_markup.markup_of(tokenizer)
        )
        engine = build(model, vocabulary, options, torch.device(device))
    return LanguageModel(engine.start("chat"), tokenizer, engine.context, _is_plain(tokenizer))


def begun(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of a text that goes on: the tokens that begin every text once, and none that end one,
    which some tokenizers add."""
    bare: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    ids: list[int] = tokenizer(text)["input_ids"]
    starts = (n for n in range(len(ids) - len(bare) + 1) if ids[n : n + len(bare)] == bare)
    return [*dict.fromkeys(ids[: next(starts, 0)]), *bare]


def _is_plain(tokenizer: Any) -> bool:
    """Tell whether a tokenizer has no form for conversations."""
    return not tokenizer.chat_template and not _is_common(tokenizer)


def _is_common(tokenizer: Any) -> bool:
    """Tell whether it wraps mistral-common's tokenizer, as for a model that has only tekken.json."""
    return hasattr(getattr(tokenizer, "tokenizer", None), "instruct_tokenizer")


def _check_template(name: str, tokenizer: Any) -> None:
    """Check a chat template, if there is one. Raises: Unavailable if it makes no prompt."""
    if tokenizer.chat_template:
        try:
            template.check(tokenizer)
        except BrokenTemplate as error:
            raise Unavailable(
                f"model {name!r}: its chat template {error}; mend its chat_template.jinja (or that key of "
                "its tokenizer_config.json), fetch it anew, or set 'model' to another"
            ) from error
