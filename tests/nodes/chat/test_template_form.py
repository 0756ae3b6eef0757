"""Templates that take conversations in forms of their own: found by trying, and nothing is left out."""

from __future__ import annotations

import pytest

from tests.nodes.chat.test_template import MESSAGES, WHOLE, refused, tokenizer
from vflow_nodes.chat.template import render

CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
GO = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


@pytest.mark.parametrize(
    "content",
    ["{% for c in m.content %}{{ c.text }}{% endfor %}", "{{ m.content[0].text }}"],
)
def test_a_template_of_parts_gets_contents_as_lists(content: str) -> None:
    source = CHATML.replace("{{ m.content }}", content) + GO
    assert render(tokenizer(source), "Be kind.", MESSAGES) == render(
        tokenizer(CHATML + GO), "Be kind.", MESSAGES
    )


def test_a_template_that_drops_the_system_role_gets_the_persona_in_the_first_message() -> None:
    source = WHOLE.replace("messages", "messages if m.role in ('user', 'assistant')") + "[go]"
    assert render(tokenizer(source), "Be kind.", MESSAGES[:1]) == "[user]Be kind.\n\nHi.[go]"


@pytest.mark.parametrize(
    ("source", "ends"),
    [
        (CHATML, "And?<|im_end|>\n<|im_start|>assistant\n"),
        ("{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}", "And?\nASSISTANT:"),
        (
            "{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content }}</s>{% else %}"
            "[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}",
            "[INST] And? [/INST]",
        ),
        ("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]", "And?[assistant]"),
    ],
    ids=["chatml", "names", "brackets need none", "written always"],
)
def test_a_template_without_a_generation_prompt_gets_the_header_of_its_replies(
    source: str, ends: str
) -> None:
    text = render(tokenizer(source), "Be kind.", MESSAGES)
    assert text.endswith(ends)
    assert text.count(ends) == 1


STRICT = (
    "{% for m in messages[1:] if messages[0].role == 'system' %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
    "{% endfor %}" + CHATML + GO
)


def test_roles_that_do_not_alternate_are_made_to() -> None:
    two = [*MESSAGES, {"role": "user", "content": "Well?"}]
    assert "And?\nWell?<|im_end|>" in render(tokenizer(STRICT), "Be kind.", two)
    first = render(tokenizer(STRICT), "Be kind.", MESSAGES[1:])
    assert "user\nHello.<|im_end|>\n<|im_start|>assistant\nHello." in first


def test_a_persona_is_a_message_of_its_own_before_an_assistant_that_begins() -> None:
    source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + WHOLE
    text = render(tokenizer(source), "Be kind.", MESSAGES[1:])
    assert text.startswith("[user]Be kind.[assistant]Hello.[user]And?")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("{{ messages[-1].content }}", "the persona"),
        ("{{ messages[0].content }}{{ messages[-1].content }}", "earlier turns"),
        ("{% for m in messages[:2] %}{{ m.content }}{% endfor %}", "what the user said"),
        ("{% for m in messages | reverse %}{{ m.content }}{% endfor %}", "earlier turns"),
    ],
)
def test_a_template_that_leaves_something_out_is_refused_with_what(source: str, what: str) -> None:
    assert refused(source) == f"leaves out {what}"
