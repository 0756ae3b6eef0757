"""A history that is longer than any context: the newest that fits is answered, and at no great cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nodes.chat import tiny_model
from vflow import Harness, TextPacket, TurnEnd, Unavailable
from vflow_nodes.chat import Chat

TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"


@pytest.mark.parametrize("template", [TEMPLATE, ""], ids=["template", "plain lines"])
def test_a_history_of_thousands_of_messages_is_cut_in_a_few_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    model = str(tiny_model.build(tmp_path, template))
    tries: list[int] = []
    with Harness(Chat(model=model, device="cpu", context=300, slots=1, max_tokens=2)) as harness:
        for turn in range(1, 2001):
            harness.conversation.append("user", f"question {turn} " + "x" * 150, turn)
            harness.conversation.append("assistant", f"answer {turn} " + "y" * 150, turn)
        node: Any = harness.node
        language = type(node._language)
        prompt = language.prompt

        def counted(self: Any, persona: str, messages: Any, think: bool) -> list[int]:
            tries.append(len(messages))
            return prompt(self, persona, messages, think)

        monkeypatch.setattr(language, "prompt", counted)
        items = harness.push(TextPacket(text="And now?", turn=2001))
    (end,) = [item for item in items if isinstance(item, TurnEnd)]
    assert end.meta["stop_reason"] != "error"
    assert tries[-1] == 1, "a pair more has over 300 characters"
    assert len(tries) <= 15


@pytest.mark.parametrize("said", ["And now?", "And " * 500 + "now?"], ids=["short", "longer than the window"])
def test_a_history_is_cut_to_the_window_that_a_model_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    model = str(tiny_model.build(tmp_path, TEMPLATE, window=256))
    options = {"slots": 1, "max_tokens": 20, "persona": "Be kind."}
    with Harness(Chat(model=model, device="cpu", context=1024, **options)) as harness:
        for turn in range(1, 30):
            harness.conversation.append("user", f"question {turn}", turn)
            harness.conversation.append("assistant", f"answer {turn}", turn)
        node: Any = harness.node
        prompts: list[list[int]] = []
        prompt = node._prompt
        monkeypatch.setattr(node, "_prompt", lambda: prompts.append(prompt()) or prompts[-1])
        items = harness.push(TextPacket(text=said, turn=30))
        text = node._language.tokenizer.decode(prompts[0])
        warnings = [message.text for message in harness.messages if message.kind == "warning"]
    (end,) = [item for item in items if isinstance(item, TurnEnd)]
    assert end.meta["stop_reason"] != "error"
    assert "Be kind." in text
    assert "now?" in text
    assert any("this one sees 256 tokens at a time" in warning for warning in warnings)


def test_a_persona_that_leaves_no_room_is_refused_at_the_start(tmp_path: Path) -> None:
    model = str(tiny_model.build(tmp_path, TEMPLATE, window=256))
    node = Chat(model=model, device="cpu", context=1024, slots=1, persona="Be kind. " * 50)
    with pytest.raises(
        Unavailable, match="set 'model' to one with a longer context, since this one sees 256"
    ):
        Harness(node).__enter__()
    node.close()
