"""Write a language model that gives one fixed reply, token by token, to any prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

GO = "<|go|>"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<|go|>{% endif %}"
)
"""ChatML with a special token at the prompt's end, after which the reply comes."""


def build(
    folder: Path,
    reply: Sequence[str],
    template: str = TEMPLATE,
    special: Sequence[str] = (),
    added: Sequence[str] = (),
    end: str = "<|im_end|>",
) -> Path:
    """Write a model whose reply is these tokens, all different, and then `end`; return the folder.

    Tokens in `special` are special ones, those in `added` added ones; the others are of the vocabulary.
    """
    specials = ["<|im_start|>", "<|im_end|>", GO, *special]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    written = {text: level.pre_tokenize_str(text)[0][0] for text in reply if text not in (*specials, *added)}
    vocabulary = dict.fromkeys([*letters, *written.values()])
    inner = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(vocabulary)}, merges=[]))
    inner.pre_tokenizer, inner.decoder = level, decoders.ByteLevel()
    inner.add_special_tokens([AddedToken(text, special=True) for text in dict.fromkeys([*specials, end])])
    inner.add_tokens([AddedToken(text, special=False, normalized=False) for text in added])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=end)
    tokenizer.chat_template = template or None
    tokenizer.save_pretrained(folder)
    chain = [tokenizer.convert_tokens_to_ids(written.get(text, text)) for text in (GO, *reply, end)]
    _save(folder, chain, len(tokenizer))
    return folder


def _save(folder: Path, chain: list[int], size: int) -> None:
    """Write a model in which each token of the chain makes the next one by far the likeliest."""
    hidden = 96
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=hidden,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        tie_word_embeddings=False,
        max_position_embeddings=8192,
        bos_token_id=None,
        eos_token_id=chain[-1],
    )
    model = LlamaForCausalLM(config)
    rows = torch.nn.functional.normalize(
        torch.randn(size, hidden, generator=torch.Generator().manual_seed(5)), dim=1
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.zero_()
        model.model.embed_tokens.weight.copy_(rows)
        for i, token in enumerate(chain[1:]):
            model.lm_head.weight[token] += 20 * rows[chain[i]]
    model.save_pretrained(folder)
