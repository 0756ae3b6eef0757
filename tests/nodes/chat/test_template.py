"""From a conversation to a prompt by a model's template, and templates that make none."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import AutoTokenizer

from vflow_nodes.chat import template
from vflow_nodes.chat.template import BrokenTemplate, check, render
from vflow_nodes.chat.template_form import Message
from vflow_nodes.lib import checkpoints
from vflow_nodes.lib.decode.errors import TooLong

MESSAGES = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "And?"},
]
WHOLE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"


def tokenizer(source: Any, **special: str) -> Any:
    """As much of a tokenizer as a template needs."""
    return SimpleNamespace(get_chat_template=lambda: source, special_tokens_map=special)


def refused(source: Any) -> str:
    with pytest.raises(BrokenTemplate) as caught:
        check(tokenizer(source))
    return str(caught.value)


def test_a_prompt_is_the_one_that_transformers_makes() -> None:
    known = AutoTokenizer.from_pretrained(checkpoints.locate("smollm2", print))
    said = [{"role": "system", "content": "Be kind."}, *MESSAGES]
    expected = known.apply_chat_template(
        said, add_generation_prompt=True, enable_thinking=False, tokenize=False
    )
    assert render(known, "Be kind.", MESSAGES) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ bos_token }}{% for m in messages if m.role != 'system' %}{{ loop.index }}"
        "{{ m['content'] | trim }}{% endfor %}",
        "{% if tools %}{{ tools | tojson(indent=4) }}{% endif %}{% for m in messages %}{{ m | tojson }}"
        "{{ '<|' ~ m.role + '|>' }}{{ m.content.split('</think>')[-1].strip() }}{% endfor %}",
        "{% set ns = namespace(found=false) %}{% for m in messages[::-1] %}{% if not ns.found %}"
        "{% set ns.found = true %}{{ m.content }}{% continue %}{% endif %}{{ 'x' * 3 }}"
        "{{ '%s-%d' % ('a', 5) }}{{ '{} {}'.format('b', 2) }}{% endfor %}",
        "{% macro say(m) %}{{ m.role | upper }}: {{ m.content | replace('.', '!') }}{% endmacro %}"
        "{% for m in messages %}{{ say(m) | indent(2) }}{% generation %}{{ m.content }}{% endgeneration %}"
        "{% endfor %}",
        "{% for role, of in messages | groupby('role') %}{{ role }}"
        "{{ of | map(attribute='content') | join(', ') }}{% endfor %}"
        "{{ dict(a=1, b=[2, (3, 4)]) | items | list }}{{ 2 ** 10 }}"
        "{{ dict.fromkeys(['a']) }}{{ [1, 2] + [3] }}",
    ],
    ids=["special tokens", "json", "namespace", "macro", "groups"],
)  # fmt: skip
def test_functions_that_templates_use_behave_as_in_transformers(source: str) -> None:
    known = AutoTokenizer.from_pretrained(checkpoints.locate("smollm2", print))
    known.chat_template = source
    said: list[Message] = [{"role": "system", "content": "Be kind."}, *MESSAGES]
    expected = known.apply_chat_template(
        said, add_generation_prompt=True, enable_thinking=False, tokenize=False
    )
    names = {**known.special_tokens_map, "tools": None, "documents": None}
    assert template._run(source, names, said, True) == expected


SWITCHED = {
    "{{ enable_thinking }}": ("False", "True"),
    "{{ thinking is defined and thinking }}": ("False", "True"),
    "{{ thinking_budget }}": ("0", ""),
    "<|channel|>{{ reasoning_effort | default('medium') }}": ("<|channel|>low", "<|channel|>medium"),
    "{{ reasoning_effort | default('high') }}{# 'none' #}": ("none", "high"),
    "{{ reasoning_effort | default('high') }}": ("high", "high"),
}


@pytest.mark.parametrize("source", SWITCHED)
def test_a_template_is_told_whether_the_model_is_to_think_by_the_name_it_knows(source: str) -> None:
    found = tokenizer(source + "::" + WHOLE)
    said = [{"role": "user", "content": "Hi."}]
    told = [render(found, "Be kind.", said, think).partition("::")[0] for think in (False, True)]
    assert tuple(told) == SWITCHED[source]


def test_a_template_that_refuses_a_system_role_gets_the_persona_in_the_first_message() -> None:
    source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + WHOLE
    check(tokenizer(source))
    text = render(tokenizer(source), "Be kind.", MESSAGES)
    assert text == "[user]Be kind.\n\nHi.[assistant]Hello.[user]And?[assistant]"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{% for m in messages %}{{ m.content }", "fails in line 1: unexpected '}'"),
        ("\n\n{% nonsense %}", "fails in line 3: Encountered unknown tag 'nonsense'."),
        ("{{ raise_exception('no\x1b[31m luck\nat all') }}", "fails: no?[31m luck"),
        ("{{ nothing.at.all }}", "fails: 'nothing' is undefined"),
        ("{{ 1 / 0 }}", "fails: ZeroDivisionError: division by zero"),
        ("{{ messages[7].content }}", "fails: list object has no element 7"),
        ("{% include '/etc/passwd' %}", "fails: TypeError: no loader"),
        ("{{ ''.__class__.__mro__ }}", "fails: access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ messages.append(1) }}", "fails: access to attribute 'append' of 'list' object is unsafe"),
        ("{% set ns = namespace() %}{% set ns.__html__ = 1 %}", "fails: a namespace has no name __html__"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "fails: RecursionError"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "fails: RecursionError"),
        (" ", "leaves out what the user said"),
        ("Hello!", "leaves out what the user said"),
        (WHOLE + " " * 300_000, "has more than 250,000 characters"),
        (7, "is no text, but int"),
    ],
)
def test_a_broken_template_is_refused_with_the_reason(source: Any, why: str) -> None:
    assert refused(source).startswith(why)


CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def test_names_that_a_tokenizer_lacks_are_empty_and_dates_are_there() -> None:
    source = "{{ bos_token + strftime_now('%Y') }}{{ tools }}" + WHOLE
    assert re.match(r"\d{4}None\[system\]Be kind.", render(tokenizer(source), "Be kind.", MESSAGES))


def test_the_template_for_conversations_is_taken_out_of_several() -> None:
    several = SimpleNamespace(
        chat_template={"tool_use": "{{ 1 / 0 }}", "chat": CHATML}, special_tokens_map={}
    )
    assert "And?" in render(several, "Be kind.", MESSAGES)
    several.chat_template.pop("chat")
    with pytest.raises(BrokenTemplate, match="is for other uses alone: tool_use"):
        check(several)


def test_a_tokenizer_with_several_templates_and_no_default_is_refused() -> None:
    def several() -> str:
        raise ValueError("This model has multiple chat templates")

    broken = SimpleNamespace(get_chat_template=several, special_tokens_map={})
    with pytest.raises(BrokenTemplate, match=r"^is not there: This model has multiple chat templates$"):
        check(broken)


def test_a_template_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "MAX_S", 0.05)
    rounds = "{% for i in range(99999) %}" * 5 + "{% endfor %}" * 5
    assert refused(rounds) == "runs for more than 0.05 s"
    twofold = "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    assert refused(twofold) == "runs for more than 0.05 s"


def test_a_conversation_that_is_longer_than_any_context_is_not_the_template_s_fault() -> None:
    with pytest.raises(TooLong, match=r"^the conversation has 600,010 characters; shorten"):
        render(tokenizer(WHOLE), "Be kind...", [{"role": "user", "content": "x" * 600_000}])


def test_a_template_that_makes_a_text_without_end_is_stopped() -> None:
    source = "{% set x = 'x' * 900000 %}{% for i in range(9) %}{{ x }}{% endfor %}"
    assert re.fullmatch("makes a text of more than 1,000,000 characters", refused(source))
