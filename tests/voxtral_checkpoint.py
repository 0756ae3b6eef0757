"""Write a tiny Voxtral with random weights, in the hub's format: 2 + 2 layers, 4,096 tokens, 3 MB.

    python -m tests.voxtral_checkpoint DIRECTORY

Its vocabulary is the head of the real one, from the file inside mistral-common (which transformers' processor
needs too); `write_model` alone needs only torch and transformers.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import VoxtralConfig, VoxtralForConditionalGeneration

VOCABULARY = 4096
SPECIALS = 1000
NAMED = {
    **dict(
        enumerate(["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"])
    ),
    **dict(
        enumerate(["[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]"], 7)
    ),
    **dict(enumerate(["[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]"], 13)),
    **dict(enumerate(["[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"], 18)),
    **dict(enumerate(["[AUDIO]", "[BEGIN_AUDIO]"], 24)),
    **dict(enumerate(["[ARGS]", "[CALL_ID]", "[TRANSCRIBE]"], 32)),
}


def build(directory: Path, seed: int = 0) -> Path:
    """Write the whole checkpoint; return the directory. Takes a second."""
    directory.mkdir(parents=True, exist_ok=True)
    write_model(directory, seed)
    write_tokenizer(directory)
    return directory


def write_model(directory: Path, seed: int = 0) -> None:
    """Write config.json, generation_config.json, model.safetensors (float32), preprocessor_config.json."""
    model(seed).save_pretrained(directory)
    preprocessor = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "processor_class": "VoxtralProcessor",
        "feature_size": 128,
        "sampling_rate": 16000,
        "hop_length": 160,
        "n_fft": 400,
        "chunk_length": 30,
        "padding_value": 0.0,
    }
    (directory / "preprocessor_config.json").write_text(json.dumps(preprocessor))


def model(seed: int = 0) -> Any:
    """Make the model, in float32 and evaluation mode. It draws from a generator of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = VoxtralForConditionalGeneration(config())
        # wide: with near-ties between tokens, greedy replies would depend on rounding
        torch.nn.init.normal_(made.lm_head.weight, std=0.5)
        torch.nn.init.normal_(made.get_input_embeddings().weight, std=1.0)
    made.generation_config.update(bos_token_id=1, eos_token_id=2, pad_token_id=11)
    return made.eval()


def config() -> VoxtralConfig:
    """Return the real model's config with smaller sizes."""
    text = {
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,  # as in the real one, heads x head_dim is not the hidden size
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 11,
        "initializer_range": 0.1,
        "max_position_embeddings": 131072,
    }
    audio = {
        "model_type": "voxtral_encoder",
        "hidden_size": 32,
        "intermediate_size": 128,  # four frames stacked
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "initializer_range": 0.1,
    }
    return VoxtralConfig(text_config=text, audio_config=audio, audio_token_id=24, projector_hidden_act="gelu")


def write_tokenizer(directory: Path) -> None:
    """Write tekken.json: the real vocabulary's first tokens, and the marks of turns and audio at their real
    ids."""
    (directory / "tekken.json").write_text(json.dumps(tekken()))


@cache
def tekken(vocabulary: int = VOCABULARY) -> dict[str, Any]:
    """Return the content of a tekken.json with this many tokens, special ones included."""
    found = importlib.util.find_spec("mistral_common")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "the tiny checkpoint's vocabulary is in mistral-common: pip install mistral-common"
        )
    source = Path(found.origin).parent / "data" / "tekken_240911.json"
    data: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    data["vocab"] = data["vocab"][: vocabulary - SPECIALS]
    data["config"] |= {
        "version": "v7",
        "num_vocab_tokens": len(data["vocab"]),
        "default_vocab_size": vocabulary,
        "default_num_special_tokens": SPECIALS,
    }
    data["special_tokens"] = [
        {"rank": rank, "token_str": NAMED.get(rank, f"<SPECIAL_{rank}>"), "is_control": True}
        for rank in range(SPECIALS)
    ]
    data["audio"] = {
        "sampling_rate": 16000,
        "frame_rate": 12.5,
        "audio_encoding_config": {"num_mel_bins": 128, "hop_length": 160, "window_size": 400},
        "chunk_length_s": 30,
    }
    data.pop("image", None)
    data.pop("multimodal", None)
    return data


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
