"""Language models: found by name, loaded, and asked for the prompt of a conversation."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from vflow import Unavailable, models

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model with its tokenizer. `ends` are the tokens that end a reply, `window` is in tokens.

    `plain`: its tokenizer has no chat template; a reply is then one line.
    """

    model: Any
    tokenizer: Any
    ends: frozenset[int]
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

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens, without the special ones."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def load(name: str, device: str, progress: Progress) -> LanguageModel:
    """Load a model: a known one, a directory, or a name on the hub. Blocks; any thread.

    Raises: Unavailable with what mends it.
    """
    source = locate(name, progress)
    progress(f"loading {name}")
    logging.disable_progress_bar()  # the bus tells of progress; bars would garble the terminal
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype_for(device)).to(device).eval()
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise Unavailable(
            f"model {name!r} does not load: {reason}; set 'model' to a directory or hub name of a "
            "Hugging Face causal language model"
        ) from error
    except torch.OutOfMemoryError as error:
        raise Unavailable(f"model {name!r} does not fit into the memory of {device}; take another") from error
    ends = model.generation_config.eos_token_id
    every = [tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])]
    return LanguageModel(
        model,
        tokenizer,
        ends=frozenset(token for token in every if token is not None),
        window=getattr(model.config.get_text_config(), "max_position_embeddings", 2048),
        plain=not tokenizer.chat_template,
    )


def pick_device(device: str) -> str:
    """`auto` as `cuda` where there is one, else `cpu`. Raises: Unavailable for a cuda that is not there."""
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise Unavailable("no CUDA device was found; set 'device: cpu', or install a torch built for CUDA")
    return ("cuda" if found else "cpu") if device == "auto" else device


def dtype_for(device: str) -> torch.dtype:
    """bfloat16 where the device multiplies it, else float32.

    Measured, SmolLM2, 16 tokens of prefill on one core: with AMX 58 ms in bf16 and 97 in fp32, with AVX-512
    BF16 93 and 101, with AVX2 alone 237 and 124. A single token is bound by memory, and takes 50 ms in each.
    """
    if device == "cuda":
        return torch.bfloat16
    # older versions of torch do not tell
    cpu: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if cpu.get("amx_bf16") or cpu.get("avx512_bf16") else torch.float32


def locate(name: str, progress: Progress) -> str:
    """What transformers loads for a model's name: a directory, or a name on the hub.

    Raises: Unavailable where it is none of these, or not here.
    """
    known = any(model.name == name for model in models.known())
    if not known and Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise Unavailable(f"{name} holds no config.json; set 'model' to a Hugging Face model's directory")
        return name
    if not known and "/" in name:
        if name.count("/") > 1 or name.startswith((".", "/", "~")):
            raise Unavailable(f"no directory {name}; set 'model' to one, to a hub name, or to smollm2")
        return name
    return str(converted(name, progress))


def converted(name: str, progress: Progress) -> Path:
    """The directory of a known GGUF model in transformers' own format, converted the first time (20 s).

    Loaded as GGUF, its weights would stay packed and be unpacked for each token: 2 to 4 tokens a second.
    """
    entry = next((file for file in models.find(name).files if file.name.endswith(".gguf")), None)
    if entry is None:
        raise Unavailable(f"{name} is not a language model; set 'model' to one, such as smollm2")
    folder = models.require(name)
    target = models.cache_dir() / "converted" / f"{name}-{entry.sha256[:12]}"
    if target.is_dir():
        return target
    lacking = [module for module in ("accelerate", "gguf") if importlib.util.find_spec(module) is None]
    if lacking:
        raise Unavailable(f"{name} is converted with {' and '.join(lacking)}: pip install 'vflow[speech]'")
    progress(f"converting {name}, this once")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            fresh = Path(scratch) / target.name
            convert(folder, entry.name, fresh)
            os.rename(fresh, target)
    except OSError as error:
        if not target.is_dir():  # else another process was faster, with the same files
            mend = "make room or set VFLOW_CACHE to another directory"
            raise Unavailable(f"could not convert {name} into {target}: {error}; {mend}") from error
    return target


def convert(folder: Path, gguf: str, target: Path) -> None:
    """Write a GGUF model, its tokenizer and its chat template as transformers loads them fast."""
    logging.disable_progress_bar()
    AutoTokenizer.from_pretrained(folder, gguf_file=gguf).save_pretrained(target)
    dense = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=gguf, quantization_config=dense, dtype=torch.bfloat16
    )
    model.save_pretrained(target)
