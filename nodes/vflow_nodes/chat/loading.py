"""Language models with their tokenizers, and the prompt of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoModelForCausalLM, AutoTokenizer

from vflow_nodes.lib import checkpoints
from vflow_nodes.lib.checkpoints import Dtype, Progress
from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.vocabulary import vocabulary_of


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A running engine and its tokenizer; `window` is in tokens.

    `plain`: its tokenizer has no chat template; a reply is then one line.
    """

    engine: Engine
    tokenizer: Any
    window: int
    plain: bool

    def prompt(self, persona: str, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The tokens of a conversation, up to where the assistant's reply begins."""
        if self.plain:
            lines = [f"{message['role'].title()}: {message['content']}" for message in messages]
            text = "\n".join([persona, "", *lines, "Assistant:"])
            ids: list[int] = self.tokenizer(text)["input_ids"]
            return ids
        try:
            return self._chat([{"role": "system", "content": persona}, *messages])
        except TemplateError:  # a template without a system role, such as Gemma's
            first, *rest = messages
            return self._chat([{**first, "content": f"{persona}\n\n{first['content']}"}, *rest])

    def _chat(self, messages: list[Mapping[str, str]]) -> list[int]:
        # enable_thinking: templates that know it write a reply without thoughts, which nobody wants to hear
        made = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=True, enable_thinking=False
        )
        ids: list[int] = made["input_ids"]
        return ids

    @property
    def closed(self) -> bool:
        """Whether its engine has ended: whoever asks for the model next gets a fresh one."""
        return not self.engine.open

    def close(self) -> None:
        """End the engine's thread; called with its last user."""
        self.engine.close()


def load(name: str, device: str, dtype: Dtype, options: Options, progress: Progress) -> LanguageModel:
    """Load a model: a known one, a directory, or a hub name's; its engine runs. Blocks; any thread.

    Raises: Unavailable with what mends it.
    """
    source = checkpoints.locate(name, progress)
    progress(f"loading {name}")
    with checkpoints.loading(name, device, "a Hugging Face causal language model"):
        tokenizer = AutoTokenizer.from_pretrained(source)
        exact = checkpoints.dtype_for(device, dtype)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=exact).eval()
        if not options.int8:  # else its matrices go there one by one, when they are narrow
            model.to(device)
        ends = model.generation_config.eos_token_id
        every = [tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])]
        vocabulary = vocabulary_of(tokenizer, {token for token in every if token is not None})
        engine = build(model, vocabulary, options, torch.device(device))
    window = getattr(model.config.get_text_config(), "max_position_embeddings", 2048)
    return LanguageModel(engine.start("chat"), tokenizer, window, plain=not tokenizer.chat_template)
