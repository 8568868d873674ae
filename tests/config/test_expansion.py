import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.config.expansion import expand

ENVIRON = {"A": "one", "EMPTY": "", "B_2": "two", "NESTED": "${A} $$"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x-${A}-${B_2}-y", "x-one-two-y"),
        ("${EMPTY}", ""),
        ("${A:-other}", "one"),
        ("${EMPTY:-other}", "other"),
        ("${NOPE:-other}", "other"),
        ("${NOPE:-}", ""),
        ("${NOPE:-http://host:1/a?b=$$5}", "http://host:1/a?b=$5"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$${A}", "$one"),
        ("costs $5 or $A", "costs $5 or $A"),
        ("${NESTED}", "${A} $$"),
    ],
)
def test_variables_are_put_in(text: str, expanded: str) -> None:
    expansion = expand(text, ENVIRON)
    assert expansion.text == expanded
    assert expansion.problems == ()


@pytest.mark.parametrize(
    "text", ["${NOPE}", "${", "${}", "${A", "${A-x}", "${1}", "${A B}", "${NOPE:-${A}}", "${É}"]
)
def test_what_cannot_be_expanded_is_a_problem(text: str) -> None:
    assert expand(text, ENVIRON).problems


def test_every_unset_variable_of_a_text_is_named() -> None:
    problems = expand("${X} ${A} ${Y}", ENVIRON).problems
    assert [problem.split()[3] for problem in problems] == ["X", "Y"]


def test_only_what_came_from_the_environment_is_a_secret() -> None:
    assert expand("a ${A} ${NOPE:-default}", ENVIRON).secrets == ("one",)


@given(st.text())
def test_any_text_can_be_written_by_doubling_its_dollars(text: str) -> None:
    assert expand(text.replace("$", "$$"), ENVIRON).text == text


@given(st.text(alphabet="${}:-A$ "))
def test_no_text_breaks_the_expansion(text: str) -> None:
    expansion = expand(text, ENVIRON)
    assert expansion.happened or not expansion.secrets
