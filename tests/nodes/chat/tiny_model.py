"""Write a language model in a second: weights from a fixed seed, and a token for each byte."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)


def build(folder: Path, template: str = "", window: int = 0) -> Path:
    """Write the model, with a chat template if one is given, and with a sliding `window` unless that is 0.
    Return the folder."""
    letters = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    inner = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer, inner.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")
    tokenizer.save_pretrained(folder)
    if template:
        (folder / "chat_template.jinja").write_text(template)
    sizes: dict[str, int] = {
        "vocab_size": len(letters),
        "bos_token_id": 0,
        "eos_token_id": 1,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # else a reply may be just the end of a line, and over at once
        if window:
            MistralForCausalLM(MistralConfig(**sizes, sliding_window=window)).save_pretrained(folder)
        else:
            LlamaForCausalLM(LlamaConfig(**sizes)).save_pretrained(folder)
    return folder
