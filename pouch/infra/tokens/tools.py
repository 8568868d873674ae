"""What a request's tools cost: the dearer of the two estimates that are published.

The *list* estimate is the OpenAI cookbook's: a start for each function and a few tokens for each
property and each value of an enumeration. The *declarations* estimate counts the TypeScript that
the models are known to read: ``type name = (_: {...}) => any;``. Whatever neither has a place for
(another kind of tool, a keyword of JSON Schema that is not rendered) is counted as text, so that
nothing can hide there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from pouch.infra.tokens.text import Tally, written

LIST_END: Final = 12
LIST_PROPERTIES: Final = 3
LIST_PROPERTY: Final = 3
LIST_ENUMERATION: Final = -3
LIST_VALUE: Final = 3
DECLARATIONS: Final = 9
AFTER_SYSTEM_MESSAGE: Final = -4
DEPTH_MAX: Final = 16

# What the declarations have a place for, and the shape that it must have to be put there.
_RENDERED: Final[Mapping[str, type]] = {
    "description": str,
    "enum": list,
    "items": Mapping,
    "properties": Mapping,
    "required": list,
}
_FUNCTION: Final[Mapping[str, type]] = {"name": str, "description": str, "parameters": Mapping}
# Switches that say nothing to the model.
_FLAGS: Final = frozenset(
    """
    additionalProperties deprecated nullable optional readOnly strict unevaluatedProperties
    uniqueItems writeOnly
    """.split()  # noqa: SIM905 - as a literal it would fill a page
)
_TYPES: Final = ("string", "number", "integer", "boolean", "object", "array", "null", "function")

Json: TypeAlias = Mapping[str, object]


def count_tools(
    tools: Sequence[Json], tally: Tally, *, function_tokens: int, system_message: bool
) -> None:
    """Add the tokens of ``tools`` to ``tally``; ``function_tokens`` is what each starts with."""
    if not tools:
        return
    as_list = LIST_END
    as_declarations = DECLARATIONS + (AFTER_SYSTEM_MESSAGE if system_message else 0)
    as_declarations += tally.measure("namespace functions {\n\n} // namespace functions")
    for tool in tools:
        function, others = _function_of(tool)
        if function:
            as_list += function_tokens + _list_tokens(function, tally)
            unrendered: list[object] = []
            text = "".join(_declaration(function, unrendered))
            as_declarations += tally.measure(text)
            others += unrendered
        for other in others:
            tally.anything(other)
    tally.tokens += max(as_list, as_declarations)


def _function_of(tool: Json) -> tuple[Json, list[object]]:
    """The function that a tool declares, empty if it is none; and what else the tool says."""
    inner = tool.get("function")
    if isinstance(inner, Mapping):
        wrapping = {key: value for key, value in tool.items() if key != "function"}
        return inner, [*_unrendered(wrapping, {}), *_unrendered(inner, _FUNCTION)]
    if isinstance(tool.get("name"), str):
        return tool, _unrendered(tool, _FUNCTION)
    return {}, [tool]


def _list_tokens(function: Json, tally: Tally) -> int:
    total = tally.measure(_line(_text(function, "name"), function))
    properties = _mapping(_mapping(function, "parameters"), "properties")
    if properties:
        total += LIST_PROPERTIES
    for name, schema in properties.items():
        if not isinstance(schema, Mapping):
            continue
        total += LIST_PROPERTY + tally.measure(_line(f"{name}:{_text(schema, 'type')}", schema))
        if values := _values(schema):
            total += LIST_ENUMERATION
            total += sum(LIST_VALUE + tally.measure(value) for value in values)
    return total


def _line(start: str, described: Json) -> str:
    return f"{start}:{_text(described, 'description').removesuffix('.')}"


def _declaration(function: Json, unrendered: list[object]) -> Iterator[str]:
    yield from _comment(function)
    yield f"type {_text(function, 'name')} = ("
    parameters = _mapping(function, "parameters")
    text = "".join([*_comment(parameters), *_type(parameters, unrendered, 0)])
    if text not in {"object", "any"}:
        yield f"_: {text}"
    yield ") => any;\n\n"


def _type(schema: object, unrendered: list[object], depth: int) -> Iterator[str]:
    """A schema as a TypeScript type; what has no place in one goes to ``unrendered``."""
    if not isinstance(schema, Mapping) or depth > DEPTH_MAX:
        unrendered.append(schema)
        yield "any"
        return
    unrendered += _unrendered(schema, _RENDERED)
    unrendered += [value for value in _list(schema, "enum") if isinstance(value, dict | list)]
    kinds = 0
    if values := _values(schema):
        kinds += 1
        yield " | ".join(f'"{value}"' for value in values)
    if "properties" in schema or "required" in schema:
        kinds += 1
        yield from _object(schema, unrendered, depth)
    if items := _mapping(schema, "items"):
        kinds += 1
        yield from _comment(items)
        yield from _type(items, unrendered, depth + 1)
        yield "[]"
    if not kinds:
        kind = _text(schema, "type")
        yield "number" if kind == "integer" else kind or "any"


def _object(schema: Json, unrendered: list[object], depth: int) -> Iterator[str]:
    properties = _mapping(schema, "properties")
    names = _list(schema, "required")
    required = {name for name in names if isinstance(name, str)}
    unrendered += [name for name in names if not isinstance(name, str) or name not in properties]
    unrendered += names[len(properties) :]
    yield "{\n"
    for name, value in properties.items():
        if isinstance(value, Mapping):
            yield from _comment(value)
        yield f"{name}{'' if name in required else '?'}: "
        yield from _type(value, unrendered, depth + 1)
        yield ",\n"
    yield "}"


def _comment(described: Json) -> Iterator[str]:
    if description := _text(described, "description"):
        yield f"// {description}\n"


def _unrendered(mapping: Json, rendered: Mapping[str, type]) -> list[object]:
    """The entries that ``rendered`` has no place for."""
    return [
        {key: value}
        for key, value in mapping.items()
        if not isinstance(value, rendered.get(key, bool | None if key in _FLAGS else ()))
        and not (key == "type" and value in _TYPES)
    ]


def _text(mapping: Json, key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _mapping(mapping: Json, key: str) -> Json:
    value = mapping.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(mapping: Json, key: str) -> Sequence[object]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []


def _values(schema: Json) -> Sequence[str]:
    """What an enumeration allows, as text."""
    return [written(value) for value in _list(schema, "enum") if not isinstance(value, dict | list)]
