from collections.abc import Mapping

import pytest
import tiktoken

from pouch.infra.tokens.text import Tally
from pouch.infra.tokens.tools import count_tools

WEATHER: Mapping[str, object] = {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {
                "type": "string",
                "description": "The city and state, e.g. San Francisco, CA",
            },
            "unit": {
                "type": "string",
                "description": "The unit of temperature to return",
                "enum": ["celsius", "fahrenheit"],
            },
        },
        "required": ["location"],
    },
}
DECLARED = """\
// Get the current weather in a given location
type get_current_weather = (_: {
// The city and state, e.g. San Francisco, CA
location: string,
// The unit of temperature to return
unit?: "celsius" | "fahrenheit",
}) => any;

"""


def wrapped(function: Mapping[str, object]) -> Mapping[str, object]:
    return {"type": "function", "function": function}


class Recorder:
    """Stands for a vocabulary of one token a text, and remembers the texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> list[int]:
        self.texts.append(text)
        return [0]


def count(*tools: Mapping[str, object], encode: Recorder | None = None) -> int:
    tally = Tally(encode or Recorder())
    count_tools(tools, tally, function_tokens=7, system_message=False)
    return tally.tokens


def test_no_tools_cost_nothing() -> None:
    assert count() == 0


def test_a_function_is_listed_by_the_cookbooks_numbers() -> None:
    location, unit, each_value = 3 + 1, 3 + 1 - 3, 3 + 1
    assert count(wrapped(WEATHER)) == 7 + 1 + 3 + location + unit + 2 * each_value + 12


def test_the_cookbooks_weather_tool_costs_what_the_api_counted_or_one_more(
    o200k: tiktoken.Encoding,
) -> None:
    tally = Tally(o200k.encode_ordinary)
    count_tools([wrapped(WEATHER)], tally, function_tokens=7, system_message=True)
    assert 68 <= tally.tokens <= 69


def test_a_function_is_declared_as_the_models_read_it() -> None:
    encode = Recorder()
    count(wrapped(WEATHER), encode=encode)
    assert DECLARED in encode.texts


def test_a_function_in_the_old_form_costs_the_same() -> None:
    assert count(WEATHER) == count(wrapped(WEATHER))


def test_a_smallest_tool_is_counted_by_the_dearer_estimate() -> None:
    assert count(wrapped({"name": "f"})) == 12 + 7 + 1


def test_a_system_message_takes_four_off_the_declarations(o200k: tiktoken.Encoding) -> None:
    with_and_without = []
    for system_message in (True, False):
        tally = Tally(o200k.encode_ordinary)
        count_tools([wrapped(WEATHER)], tally, function_tokens=0, system_message=system_message)
        with_and_without.append(tally.tokens)
    assert with_and_without[1] - with_and_without[0] == 4


def test_nested_objects_lists_and_unions_are_declared() -> None:
    encode = Recorder()
    schema = {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"type": "integer"}},
            "at": {"properties": {"x": {"type": "number"}}, "required": ["x"]},
            "any": {},
        },
    }
    count(wrapped({"name": "f", "parameters": schema}), encode=encode)
    declared = (
        "type f = (_: {\ntags?: number[],\nat?: {\nx: number,\n},\nany?: any,\n}) => any;\n\n"
    )
    assert declared in encode.texts


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "custom", "custom": {"name": "f", "format": {"definition": "HIDDEN"}}},
        wrapped({"name": "f", "parameters": {"$defs": {"HIDDEN": {}}}}),
        wrapped({"name": "f", "parameters": {"type": "HIDDEN"}}),
        wrapped({"name": "f", "parameters": {"description": "HIDDEN"}}),
        wrapped({"name": "f", "parameters": {"required": ["HIDDEN"]}}),
        wrapped({"name": "f", "parameters": {"properties": {"a": {"default": "HIDDEN"}}}}),
        wrapped({"name": "f", "parameters": {"properties": {"a": {"description": ["HIDDEN"]}}}}),
        wrapped({"name": "f", "parameters": {"properties": {"a": {"enum": [["HIDDEN"]]}}}}),
        wrapped({"name": "f", "parameters": {"items": {"enum": ["x"], "items": ["HIDDEN"]}}}),
        wrapped({"name": ["HIDDEN"]}),
        wrapped({"name": "f", "parameters": "HIDDEN"}),
        {"type": "function", "function": {"name": "f"}, "HIDDEN": 1},
        {"name": "f", "cache_control": {"type": "HIDDEN"}},
    ],
)
def test_what_has_no_place_in_a_declaration_is_counted_as_text(tool: Mapping[str, object]) -> None:
    encode = Recorder()
    count(tool, encode=encode)
    assert any("HIDDEN" in text for text in encode.texts)


def test_a_schema_deeper_than_is_rendered_is_counted_as_text() -> None:
    schema: dict[str, object] = {"description": "HIDDEN"}
    for _ in range(2_000):
        schema = {"type": "array", "items": schema}
    encode = Recorder()
    count(wrapped({"name": "f", "parameters": schema}), encode=encode)
    assert "HIDDEN" in encode.texts
