"""Find models of transformers by name, and put them on a device in a type that is fast there."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from vflow import Unavailable, install_command, models
from vflow_nodes.lib.decode.device_errors import out_of_memory
from vflow_nodes.lib.decode.errors import DecodeError

Progress = Callable[[str], None]
Dtype = Literal["auto", "bfloat16", "float16", "float32", "int8"]


def pick_device(device: str) -> str:
    """Return `cuda` or `cpu`; `auto` is `cuda` if there is one. Raises: Unavailable if a named cuda is not
    there."""
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise Unavailable("no CUDA device was found; set 'device: cpu', or install a torch built for CUDA")
    return ("cuda" if found else "cpu") if device == "auto" else device


def dtype_for(device: str, asked: Dtype = "auto") -> torch.dtype:
    """Return the type of weights and activations. `auto` is bfloat16 if the device can multiply it, else
    float32. With `int8` the matrices are narrowed later.

    Measured, SmolLM2, 16 tokens of prefill on one core: with AMX 58 ms in bf16 and 97 in fp32, with AVX-512
    BF16 93 and 101, with AVX2 alone 237 and 124. A single token is bound by memory, and takes 50 ms in each.
    """
    if asked not in ("auto", "int8"):
        found: torch.dtype = getattr(torch, asked)
        return found
    # older versions of torch do not tell
    cpu: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    fast = device == "cuda" or cpu.get("amx_bf16") or cpu.get("avx512_bf16")
    return torch.bfloat16 if fast else torch.float32


@contextmanager
def loading(name: str, device: str, kind: str) -> Iterator[None]:
    """Turn any error of the code inside, which loads a model of that `kind`, into Unavailable with what mends
    it."""
    logging.disable_progress_bar()  # the bus reports progress; bars would garble the terminal
    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)  # so would tables of mismatched weights; the error names them
    try:
        yield
    except DecodeError as error:
        raise Unavailable(str(error)) from error
    except Exception as error:  # safetensors, tokenizers and transformers raise errors of any class
        if isinstance(error, Unavailable):
            raise
        if out_of_memory(error):
            raise Unavailable(
                f"model {name!r} does not fit into the memory of {device}; set 'slots' or 'context' lower, "
                "'dtype: int8', or take a smaller model"
            ) from error
        raise Unavailable(
            f"model {name!r} does not load: {_reason(error)}; set 'model' to a directory or hub name of "
            f"{kind}, and fetch it anew if its files are damaged"
        ) from error
    finally:
        logging.set_verbosity(before)


def _reason(error: Exception) -> str:
    """Return the meaning of an error of transformers, in one line."""
    text = str(error).strip().partition("\n")[0].rstrip(".")
    if "ignore_mismatched_sizes" in text:  # the advice names an argument that users cannot pass
        return "its config.json does not fit its weights"
    if text.startswith("Unrecognized configuration class"):
        return f"it is of another kind ({text.partition('>')[0].rpartition('.')[2].strip(chr(39))})"
    return text


def locate(name: str, progress: Progress, example: str = "smollm2") -> Path:
    """Return the directory of a model, given by a known name, as a directory, or by a hub name in the cache.
    `example` is a valid name, for the message.

    Raises: Unavailable if the name is none of these, or the model is not here.
    """
    if not name.strip():
        raise Unavailable(f"'model' names none; set it to a directory or to a name, such as {example}")
    known = any(model.name == name for model in models.known())
    path = os.path.expanduser(name)
    if not known and Path(path).is_dir():
        if not (Path(path) / "config.json").is_file():
            raise Unavailable(f"{path} holds no config.json; set 'model' to a Hugging Face model's directory")
        return Path(path)
    if not known and "/" in name:
        if not models.is_hub_name(name) or name.startswith((".", "~")):
            raise Unavailable(f"no directory {path}; set 'model' to one, or to a name such as {example}")
        return models.require_hub(name)
    return converted(name, progress)


def converted(name: str, progress: Progress) -> Path:
    """Return the directory of a known GGUF model in transformers' own format; convert it once (20 s).

    Loaded as GGUF, its weights would be unpacked again for each token: 2 to 4 tokens a second.
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
        raise Unavailable(f"{name} is converted with {' and '.join(lacking)}: {install_command('speech')}")
    progress(f"converting {name}, this once")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            fresh = Path(scratch) / target.name
            convert(folder, entry.name, fresh)
            os.rename(fresh, target)
    except OSError as error:
        if not target.is_dir():  # else another process was first, with the same files
            mend = "make room or set VFLOW_CACHE to another directory"
            raise Unavailable(f"could not convert {name} into {target}: {error}; {mend}") from error
    return target


def convert(folder: Path, gguf: str, target: Path) -> None:
    """Write a GGUF model, its tokenizer and its chat template in the format that transformers loads fast."""
    logging.disable_progress_bar()
    AutoTokenizer.from_pretrained(folder, gguf_file=gguf).save_pretrained(target)
    dense = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=gguf, quantization_config=dense, dtype=torch.bfloat16
    )
    model.save_pretrained(target)
