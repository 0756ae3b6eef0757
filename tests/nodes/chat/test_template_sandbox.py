"""No operation of a template fills the memory, or holds the interpreter; each ends at a bound."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from jinja2.exceptions import SecurityError, TemplateError

from vflow_nodes.chat.template_sandbox import Sandbox, TooMuch, bounded, compiled, joined, within

TWICE = "{{% set ns = namespace(x={start}) %}}{{% for i in range(99) %}}{step}{{% endfor %}}{{{{ ns.x }}}}"


def run(source: str) -> str:
    made: str = compiled(Sandbox(), source).render()
    return made


@pytest.mark.parametrize(
    "expression",
    [
        "'x' * 10**9",
        "10**9 * 'x'",
        "[1] * 10**9",
        "7 ** (10**9)",
        "'%1000000000d' % 1",
        "'%*d' % (10**9, 1)",
        "'%1000000000d' | format(1)",
        "'{:>1000000000}'.format(1)",
        "'{:{}}'.format(1, 999999)",
        "'{a:>1000000000}'.format_map({'a': 1})",
        "'x' | center(10**9)",
        "'x'.center(10**9)",
        "'x'.ljust(10**9)",
        "'x'.zfill(10**9)",
        "('x' * 500000) | replace('x', 'y' * 500000)",
        "('x' * 500000).replace('x', 'y' * 500000)",
        "('x' * 500000) | replace('', 'y' * 500000)",
        "range(100000) | join('y' * 500000)",
        "('y' * 500000).join(['a', 'b', 'c', 'd'])",
        "range(100000) | map('string') | map('center', 1000) | join",
        "('x\n' * 100000) | indent(100000)",
        "[[[1]]] | tojson(indent=10**9)",
        "[[[1]]] | tojson(indent='x' * 500000)",
        "(5).to_bytes(10**9, 'big')",
        "[1] | batch(10**9, 0) | list",
        "[1] | slice(10**9) | list",
        "1.5 | round(10**9, 'ceil')",
        "strftime_now('%1000000000d')",
    ],
)
def test_an_expression_that_would_make_gigabytes_is_too_much(expression: str) -> None:
    with pytest.raises(TooMuch):
        run("{{ " + expression + " }}")


@pytest.mark.parametrize(
    ("start", "step"),
    [
        ("'ab'", "{% set ns.x = ns.x ~ ns.x %}"),
        ("'ab'", "{% set ns.x = ns.x + ns.x %}"),
        ("'ab'", "{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}"),
        ("'ab'", "{% set ns.x = ns.x ~ '' | replace('', ns.x) %}"),
        ("3", "{% set ns.x = ns.x * ns.x %}"),
        ("[1]", "{% set ns.x = ns.x + ns.x %}"),
        ("[1]", "{% set ns.x = [ns.x, ns.x] %}"),
        ("[1]", "{% set ns.x = (ns.x, ns.x) %}"),
        ("1", "{% set ns.x = {'a': ns.x, 'b': ns.x} %}"),
        ("1", "{% set ns.x = dict(a=ns.x, b=ns.x) %}"),
        ("1", "{% set ns.x = namespace(a=ns.x, b=ns.x) %}"),
        ("1", "{% set ns.x = ns %}"),
    ],
)
def test_a_value_that_doubles_each_round_is_too_much(start: str, step: str) -> None:
    with pytest.raises(TooMuch):
        run(TWICE.format(start=start, step=step))


@pytest.mark.parametrize("expression", ["'x'.expandtabs(9)", "'x'.translate({})", "[[1]] | sum(start=[])"])
def test_operations_without_use_in_a_prompt_are_refused(expression: str) -> None:
    with pytest.raises(SecurityError):
        run("{{ " + expression + " }}")


def test_filters_and_functions_for_pages_are_not_there() -> None:
    for source in ("{{ 'x' | urlize }}", "{{ 'x' | pprint }}", "{{ lipsum(n=10**9) }}"):
        with pytest.raises(TemplateError):
            run(source)


def test_a_range_has_at_most_a_hundred_thousand_items() -> None:
    with pytest.raises(OverflowError, match="Range too big"):
        run("{% for i in range(10**9) %}x{% endfor %}")


def test_small_values_are_made() -> None:
    source = (
        "{{ [1, (2, 3)] }}{{ {'a': 1} }}{{ 'x' * 3 }}{{ 2 ** 9 }}{{ 'a' ~ 1 }}{{ [3, 1] | sort | join('-') }}"
    )
    assert run(source) == "[1, (2, 3)]{'a': 1}xxx512a11-3"
    assert run(
        "{{ '%05d' % 7 }}{{ '{:>3}'.format(1) }}{{ [1, 2] | sum }}{{ 'a.b' | replace('.', '!') }}"
    ) == ("00007  13a!b")


def test_a_value_is_measured_with_all_that_is_in_it() -> None:
    value: Any = {"a": ["x" * 400_000, ("y" * 400_000,)]}
    assert bounded(value) is value
    with pytest.raises(TooMuch, match="text of more than 1,000,000 characters"):
        bounded([value, value])
    with pytest.raises(TooMuch, match="list of more than 100,000 items"):
        bounded([[0] * 60_000] * 2)
    assert joined(["a", "b"]) == "ab"
    with pytest.raises(TooMuch):
        joined(["x" * 600_000] * 2)


def endless() -> None:
    while True:
        pass


def test_code_that_runs_too_long_is_ended_and_the_earlier_tracer_restored() -> None:
    before = sys.gettrace()
    with pytest.raises(TooMuch, match=r"^runs for more than 0.02 s$"), within(0.02):
        endless()
    assert sys.gettrace() is before
    with within(20):
        assert sum(range(9)) == 36
    assert sys.gettrace() is before


def test_template_cannot_catch_the_error_that_ends_it() -> None:
    assert not issubclass(TooMuch, Exception)
