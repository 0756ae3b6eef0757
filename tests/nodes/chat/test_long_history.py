"""A history that is longer than any context: the newest that fits is answered, and at no great cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nodes.chat import tiny_model
from vflow import Harness, TextPacket, TurnEnd
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
