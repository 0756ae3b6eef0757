"""Marks by which common models set off text that is not speech, if tokenizer and template do not tell.

Each marker is a literal text, compared without case. It may come as one token or as several.
Source: the chat templates of the named families on the Hugging Face hub; openai/harmony, docs/format.md.
"""

# ruff: noqa: RUF001  # DeepSeek writes fullwidth bars

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["thought", "shut", "call", "json", "rest", "header", "role", "end", "noise"]


@dataclass(frozen=True, slots=True)
class Marker:
    """A text that changes the meaning of what follows it.

    `thought` and `call` last until one of `closers`; `json` until a JSON value is complete; `rest` to the end
    of the reply. `shut` ends a thought. `header` begins the name of a role; `role` is a role itself,
    `closers[0]`. `end` ends the reply. `noise` is dropped.
    """

    text: str
    kind: Kind
    closers: tuple[str, ...] = ()


THOUGHT_TAGS = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reason", "reflection", "scratchpad", "analysis",
    "inner_monologue", "internal_monologue", "seed:think", "antthinking",
)  # fmt: skip
THOUGHT_PAIRS = (
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|thought_start|>", "<|thought_end|>"),
    ("<|think_start|>", "<|think_end|>"),
    ("<|think|>", "<|/think|>"),
    ("<|channel>", "<channel|>"),  # Gemma 4
    ("<unused94>", "<unused95>"),  # MedGemma
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
)
RESULT_PAIRS = (
    ("<tool_response>", "</tool_response>"), ("<tool_output>", "</tool_output>"),
    ("[TOOL_RESULTS]", "[/TOOL_RESULTS]"), ("```tool_output", "```"),
)  # fmt: skip
"""Marks of a tool's result, which a model makes up if it does not wait for the tool."""
CALL_TAGS = (
    "tool_call", "tool_calls", "toolcall", "tool_use", "tool_code", "function_call", "function_calls",
    "functioncall", "seed:tool_call", "minimax:tool_call", "longcat_tool_call", "antml:function_calls",
)  # fmt: skip
CALL_PAIRS = (
    ("<function=", ("</function>",)),  # Qwen3-Coder, Llama 3.1, Functionary
    ("<invoke ", ("</invoke>",)),
    ("<｜DSML｜function_calls>", ("</｜DSML｜function_calls>",)),
    ("<｜tool▁calls▁begin｜>", ("<｜tool▁calls▁end｜>",)),  # DeepSeek
    ("<｜tool▁call▁begin｜>", ("<｜tool▁call▁end｜>",)),
    ("<|tool_calls_begin|>", ("<|tool_calls_end|>",)),
    ("<|tool_calls_section_begin|>", ("<|tool_calls_section_end|>",)),  # Kimi K2
    ("<|tool_call_begin|>", ("<|tool_call_end|>",)),
    ("<|tool_call_start|>", ("<|tool_call_end|>",)),  # LFM2
    ("<|START_ACTION|>", ("<|END_ACTION|>",)),  # Command R
    ("<|action_start|>", ("<|action_end|>",)),  # InternLM
    ("<|tool_call>", ("<tool_call|>",)),  # Gemma 4
    ("<|tools_prefix|>", ("<|tools_suffix|>",)),  # Apertus
    ("```tool_code", ("```",)),  # Gemma 3
    ("```tool_call", ("```",)),
    ("```tool_use", ("```",)),
    ("Action:```", ("```",)),  # Command R's and LangChain's agents
    ("Action: ```", ("```",)),
    ("Action:\n```", ("```",)),
)
JSON_CALLS = (
    "[TOOL_CALLS]", "<|tool_call|>", "functools[", "Action: [{", "Action:[{", "Action:\n[{", 'Action: {"',
    'Action:{"', 'Action:\n{"',
)  # fmt: skip
"""Calls of Mistral, Granite and Phi-4, Phi-4-mini, and agents: JSON follows, without a mark at its end."""
REST_CALLS = ("<|python_tag|>", "✿FUNCTION✿")
"""Calls of Llama 3 and Qwen 1.5: nothing after them is said."""
HEADERS = (
    "<|im_start|>", "<|start_header_id|>", "<|header_start|>", "<start_of_turn>", "<|start_of_role|>",
    "<|start|>", "<|channel|>", "<|from|>", "<|recipient|>", "<|im_assistant|>", "<|turn>",
    "<seed:bos>",
)  # fmt: skip
HEADER_ENDS = (
    "<|end_header_id|>", "<|header_end|>", "<|end_of_role|>", "<|im_sep|>", "<|im_middle|>", "<|message|>",
    "<|content|>",
)  # fmt: skip
ROLES = (
    ("<|assistant|>", "assistant"), ("<｜Assistant｜>", "assistant"), ("<|CHATBOT_TOKEN|>", "assistant"),
    ("[/INST]", "assistant"), ("<|user|>", "user"), ("<|system|>", "system"), ("<|tool|>", "tool"),
    ("<|observation|>", "tool"), ("<｜User｜>", "user"), ("<|USER_TOKEN|>", "user"),
    ("[|assistant|]", "assistant"), ("[|user|]", "user"), ("[|system|]", "system"),  # EXAONE
    ("<|assistant_start|>", "assistant"), ("<|user_start|>", "user"), ("<|system_start|>", "system"),
    ("<|SYSTEM_TOKEN|>", "system"), ("[INST]", "user"), ("<|im_user|>", "user"), ("<|im_system|>", "system"),
)  # fmt: skip
ENDS = (
    "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|eom|>", "<|end|>", "<|im_end|>", "<end_of_turn>", "<turn|>",
    "<|return|>", "<|call|>", "</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>", "<|end_of_turn|>",
    "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|end_of_sentence|>", "<|stop|>", "<|eos|>",
    "<|user_end|>", "<|assistant_end|>", "[EOS]", "<seed:eos>",
    "[|endofturn|]",
)  # fmt: skip
HARMONY = frozenset(("<|start|>", "<|channel|>"))
"""If a tokenizer has these, `<|end|>` ends a message, and another may follow; otherwise it ends the reply."""
NOISE = (
    "<answer>", "</answer>", "<response>", "</response>", "<final_answer>", "</final_answer>",
    "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_OF_TURN_TOKEN|>", "<|begin_of_box|>",
    "<|end_of_box|>", "<|begin_of_solution|>", "<|end_of_solution|>", "<|begin_of_text|>", "<bos>",
    "<|/tool_call|>", "<|constrain|>", "<|plugin|>", "<|bom|>",
)  # fmt: skip
ASSISTANTS = frozenset(("assistant", "model", "chatbot", "ai", "bot", "gpt"))
"""Names that headers use for the model itself."""


def thought_pairs() -> Iterator[tuple[str, str]]:
    """Yield each mark that opens a thought, with the one that closes it."""
    yield from ((f"<{tag}>", f"</{tag}>") for tag in THOUGHT_TAGS)
    yield from THOUGHT_PAIRS


CLOSERS = tuple(close for _, close in thought_pairs())
"""Marks that close a thought."""


def markers() -> Iterator[Marker]:
    """Yield all markers of the table; of two with the same text, the first counts."""
    for opening, close in (*thought_pairs(), *RESULT_PAIRS):
        yield Marker(opening, "thought", (close,))
    for close in CLOSERS:
        yield Marker(close, "shut")
    for tag in CALL_TAGS:
        yield Marker(f"<{tag}>", "call", (f"</{tag}>",))
    for opening, closers in CALL_PAIRS:
        yield Marker(opening, "call", closers)
    for kind, texts in (("json", JSON_CALLS), ("rest", REST_CALLS), ("header", HEADERS), ("end", ENDS)):
        yield from (Marker(text, kind) for text in texts)  # type: ignore[arg-type]
    for text, role in ROLES:
        yield Marker(text, "role", (role,))
    lone = [close for _, closers in CALL_PAIRS for close in closers]
    lone = [close for close in (*lone, *(close for _, close in RESULT_PAIRS)) if close != "```"]
    for text in (*NOISE, *(f"</{tag}>" for tag in CALL_TAGS), *lone, *HEADER_ENDS):
        yield Marker(text, "noise")
