"""The whole way in, from samples to logits, against transformers' processor and model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, VoxtralForConditionalGeneration

from tests.nodes.generator.voxtral.recordings import speech, wav, windows
from vflow_nodes.generator.voxtral.encoder import AudioEncoder
from vflow_nodes.generator.voxtral.mel import Array
from vflow_nodes.generator.voxtral.prompt import Audio, Prompt, Prompts, Speech, Turn
from vflow_nodes.generator.voxtral.tokens import load

PERSONA = "You are a friendly assistant. Answer briefly."


class Ears:
    """Treat speech as a node does: windows, embeddings, and the prompt's own spliced together."""

    def __init__(self, checkpoint: Path) -> None:
        self.model = VoxtralForConditionalGeneration.from_pretrained(checkpoint).eval()
        self.encoder = AudioEncoder(self.model, "cpu", torch.float32)
        self.prompts = Prompts(load(checkpoint))
        self.heard: list[torch.Tensor] = []

    def hear(self, samples: Array) -> Speech:
        first = len(self.heard)
        self.heard += self.encoder.encode(windows(samples)).split(375)
        return tuple(Audio(index) for index in range(first, len(self.heard)))

    def logits(self, prompt: Prompt) -> torch.Tensor:
        """(length, vocabulary)"""
        embedding = self.model.get_input_embeddings()
        with torch.inference_mode():
            parts = [
                self.heard[part.identity] if isinstance(part, Audio) else embedding(torch.tensor([part]))
                for part in prompt
            ]
            logits: torch.Tensor = self.model(inputs_embeds=torch.cat(parts)[None]).logits[0]
        return logits


@pytest.fixture(scope="module")
def ears(checkpoint: Path) -> Ears:
    return Ears(checkpoint)


@pytest.fixture(scope="module")
def processor(checkpoint: Path) -> Any:
    return AutoProcessor.from_pretrained(checkpoint)


def message(role: str, *content: str | Array) -> dict[str, Any]:
    parts = (
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "audio", "base64": wav(part)}
        for part in content
    )
    return {"role": role, "content": list(parts)}


def processed(processor: Any, *messages: dict[str, Any]) -> Any:
    return processor.apply_chat_template(list(messages), return_dict=True, tokenize=True)


@pytest.mark.parametrize("seconds", [2.0, 30.0, 31.0])
def test_a_conversation_has_the_logits_of_transformers(ears: Ears, processor: Any, seconds: float) -> None:
    first, second = speech(1.5, 1), speech(seconds, 2)
    inputs = processed(
        processor,
        message("user", PERSONA, first),
        message("assistant", "Fine, thanks."),
        message("user", second),
    )
    turns = [Turn((ears.hear(first),), "Fine, thanks."), Turn((ears.hear(second),))]
    prompt = ears.prompts.conversation(PERSONA, turns)
    assert ears.prompts.ids(prompt) == inputs["input_ids"][0].tolist()
    with torch.inference_mode():
        wanted = ears.model(**inputs).logits[0]
    torch.testing.assert_close(ears.logits(prompt), wanted, rtol=0, atol=1e-4)
    assert wanted[-1].std() > 1  # not flat: a wrong prompt or a wrong sound could not hide


def test_a_request_for_a_transcript_has_the_logits_of_transformers(ears: Ears, processor: Any) -> None:
    samples = speech(2.0)
    inputs = processor.apply_transcription_request(
        audio=[samples], model_id="tiny", language="en", sampling_rate=16_000, format=["wav"]
    )
    prompt = ears.prompts.transcription(ears.hear(samples), "en")
    assert ears.prompts.ids(prompt) == inputs["input_ids"][0].tolist()
    with torch.inference_mode():
        wanted = ears.model(**inputs).logits[0]
    torch.testing.assert_close(ears.logits(prompt), wanted, rtol=0, atol=1e-4)


def test_other_speech_gives_other_logits(ears: Ears) -> None:
    made = [
        ears.logits(ears.prompts.conversation("", [Turn((ears.hear(samples),))]))[-1]
        for samples in (speech(1.0), np.zeros(16_000, np.float32))
    ]
    assert (made[0] - made[1]).abs().max() > 0.1


def test_transformers_can_generate_from_the_checkpoint(ears: Ears, processor: Any) -> None:
    inputs = processed(processor, message("user", PERSONA, speech(1.0)))
    made = ears.model.generate(**inputs, max_new_tokens=8, min_new_tokens=8, do_sample=False)
    assert made.shape[1] == inputs["input_ids"].shape[1] + 8
