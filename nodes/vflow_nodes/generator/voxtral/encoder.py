"""Encode windows of speech to the embeddings that represent them in a prompt."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vflow_nodes.generator.voxtral import MODEL
from vflow_nodes.generator.voxtral.mel import BINS, FRAMES
from vflow_nodes.generator.voxtral.prompt import EMBEDDINGS
from vflow_nodes.lib.decode.cuda_graphs import Recorder
from vflow_nodes.lib.decode.errors import Unsupported

ATTENTIONS = ("eager", "sdpa", "flash_attention_2")
BATCH = 8
"""Most windows that are encoded at once, so that longer speech takes no more memory than four minutes."""

_Forward = Callable[[torch.Tensor], torch.Tensor]


class AudioEncoder:
    """Voxtral's audio tower and projector, equal to transformers' `get_audio_features`.

    It takes these two parts of `model`, moves them to `device` and `dtype` in place, and leaves the rest
    alone. One thread at a time.

    attention: `sdpa`, `eager`, or `flash_attention_2`, which needs the package flash-attn, a GPU, and bf16 or
        fp16.
    capture: at `warm_up`, record the work on one window as a CUDA graph, and replay it for each later window.
        No effect on other devices.
    compile: at `warm_up`, let torch.compile fuse one layer, which all layers then use. No effect on other
        devices, nor without a compiler.
    Raises: Unsupported with what mends it.
    """

    def __init__(
        self,
        model: Any,
        device: torch.device | str,
        dtype: torch.dtype,
        *,
        attention: str = "sdpa",
        capture: bool = False,
        compile: bool = False,
    ) -> None:
        self.device, self.dtype = torch.device(device), dtype
        self._tower, self._projector = audio_modules(model)
        self._stacked: int = model.config.audio_config.intermediate_size
        self.hidden: int = model.config.text_config.hidden_size
        use_attention(self._tower, attention, self.device, dtype)
        self.attention = attention
        _move(self._tower, self.device, dtype)
        self._projector.to(device=self.device, dtype=dtype)
        self.compiled = compile and self.device.type == "cuda"
        """Whether its layers are compiled, or will be at `warm_up`."""
        self.problem = ""
        """Why they could not be compiled, if that was tried."""
        self._capture = capture and self.device.type == "cuda"
        self._replay: _Forward | None = None

    @property
    def captured(self) -> bool:
        """Whether a recorded graph encodes the windows."""
        return self._replay is not None

    def effects(self) -> dict[str, Any]:
        """Return which of the options are in effect."""
        return {
            "attention": self.attention,
            "encoder_graph": self.captured,
            "compile": self.compiled,
            "cudnn_benchmark": self.device.type == "cuda" and torch.backends.cudnn.benchmark,
        }

    def warm_up(self) -> None:
        """Encode silence, so that no turn pays for the setup of a first call; record the graph, if asked."""
        with torch.inference_mode():
            silence = torch.zeros((1, BINS, FRAMES), device=self.device, dtype=self.dtype)
            if self.compiled:
                self._compile(silence)
            self._forward(silence)
            if self._capture and self._replay is None:
                self._replay = captured(self._forward, silence)

    def _compile(self, example: torch.Tensor) -> None:
        """Fuse the layers, or leave them as they are if torch has no compiler: see `problem`."""
        for layer in self._tower.layers:
            layer.compile(dynamic=False)
        try:
            self._forward(example)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # no compiler, no Triton, no headers: each has its own error
            self.compiled = False
            self.problem = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            for layer in self._tower.layers:
                layer._compiled_call_impl = None  # undo Module.compile: there is no other way

    def encode(self, windows: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Encode (n, 128, 3000) log-mel, on any device, to (n x 375, hidden) on the encoder's, in its dtype.

        It returns a new tensor. On a GPU the work is queued, and nothing waits for it.
        Raises: ValueError for another shape.
        """
        if windows.ndim != 3 or tuple(windows.shape[1:]) != (BINS, FRAMES):
            raise ValueError(
                f"the encoder takes windows of shape (n, {BINS}, {FRAMES}), not {tuple(windows.shape)}"
            )
        given = torch.from_numpy(windows) if isinstance(windows, np.ndarray) else windows
        forward, size = (self._forward, BATCH) if self._replay is None else (self._replay, 1)
        with torch.inference_mode():
            moved = given.to(device=self.device, non_blocking=True).to(dtype=self.dtype)
            embeddings = torch.empty(
                (len(moved) * EMBEDDINGS, self.hidden), device=self.device, dtype=self.dtype
            )
            for index in range(0, len(moved), size):
                made = forward(moved[index : index + size])
                embeddings[index * EMBEDDINGS : index * EMBEDDINGS + len(made)] = made
        return embeddings

    def _forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Encode (n, 128, 3000) to (n x 375, hidden); each embedding covers four frames of the tower."""
        frames = self._tower(windows).last_hidden_state
        embeddings: torch.Tensor = self._projector(frames.reshape(len(windows) * EMBEDDINGS, self._stacked))
        return embeddings


def audio_modules(model: Any) -> tuple[Any, Any]:
    """Return the audio tower and the projector: `model.model` has them since transformers 5, before `model`.

    Raises: Unsupported for another architecture.
    """
    homes: list[Any] = [getattr(model, "model", None), model]
    for home in homes:
        if hasattr(home, "audio_tower") and hasattr(home, "multi_modal_projector"):
            return home.audio_tower, home.multi_modal_projector
    raise Unsupported(
        f"{type(model).__name__} has no audio tower and projector: Voxtral's node takes a "
        f"VoxtralForConditionalGeneration, such as {MODEL}"
    )


def use_attention(tower: Any, attention: str, device: torch.device, dtype: torch.dtype) -> None:
    """Set how a tower computes its attention. Raises: Unsupported if that is not available."""
    if attention not in ATTENTIONS:
        raise Unsupported(f"the encoder's attention is one of {', '.join(ATTENTIONS)}, not {attention!r}")
    if attention == "flash_attention_2":
        reasons = []
        if importlib.util.find_spec("flash_attn") is None:
            reasons.append("the package flash-attn is not installed (pip install flash-attn)")
        if device.type != "cuda":
            reasons.append(f"it runs on CUDA devices alone, not on {device.type}")
        if dtype not in (torch.bfloat16, torch.float16):
            reasons.append(f"it takes bfloat16 or float16, not {str(dtype).removeprefix('torch.')}")
        if reasons:
            raise Unsupported(
                f"no flash_attention_2: {'; '.join(reasons)}; set 'attention: sdpa', which runs everywhere"
            )
    tower.set_attn_implementation(attention)


def captured(forward: _Forward, example: torch.Tensor) -> _Forward:
    """Record `forward` as a CUDA graph for inputs like `example`. The returned function returns a copy."""
    static = example.clone()
    made, again = Recorder().record(lambda: forward(static))

    def replay(windows: torch.Tensor) -> torch.Tensor:
        static.copy_(windows)
        again()
        return made.clone()

    return replay


def _move(tower: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Move a tower as from_pretrained does: the positions stay in float32, whatever the rest's type."""
    positions = tower.embed_positions.weight.data
    tower.to(device=device, dtype=dtype)
    tower.embed_positions.weight.data = positions.to(device=device, dtype=torch.float32)
