"""Validates part of a document against a pydantic model; mistakes come out in plain words."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, TypeVar, get_args

from pydantic import AliasChoices, AliasPath, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pouch.config.document import Document, Where, child, shown

M = TypeVar("M", bound=BaseModel)
Context: TypeAlias = Mapping[str, Any]

# What pydantic's kinds of mistake are in plain words. None of these texts holds the value itself.
_WORDS: Final[Mapping[str, Callable[[Context], str]]] = {
    "greater_than": lambda context: f"must be greater than {_amount(context['gt'])}",
    "greater_than_equal": lambda context: f"must be at least {_amount(context['ge'])}",
    "less_than": lambda context: f"must be less than {_amount(context['lt'])}",
    "less_than_equal": lambda context: f"must be at most {_amount(context['le'])}",
    "multiple_of": lambda context: f"must be a multiple of {_amount(context['multiple_of'])}",
    "finite_number": lambda _: "must be a finite number",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a whole number of fewer digits",
    "int_from_float": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "string_type": lambda _: "must be text; a number or a date needs quotes",
    "string_too_short": lambda context: _too_short("character", context["min_length"]),
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "string_pattern_mismatch": lambda context: f"must match {context['pattern']}",
    "too_short": lambda context: _too_short("item", context["min_length"]),
    "too_long": lambda context: f"must have at most {context['max_length']} items",
    "dict_type": lambda _: "must be a mapping of keys to values",
    "model_type": lambda _: "must be a mapping of keys to values",
    "model_attributes_type": lambda _: "must be a mapping of keys to values",
    "list_type": lambda _: "must be a list",
    "tuple_type": lambda _: "must be a list",
    "set_type": lambda _: "must be a list",
    "frozen_set_type": lambda _: "must be a list",
    "literal_error": lambda context: f"must be {context['expected']}",
    "enum": lambda context: f"must be {context['expected']}",
}


def validate(
    document: Document,
    model: type[M],
    data: Mapping[str, object],
    where: Where,
    *,
    also_known: Iterable[str] = (),
) -> M | None:
    """``data``, which stands at ``where``, as ``model``; ``None`` if it has mistakes.

    ``also_known`` are keys that the place takes besides the model's. A key that the model would
    ignore is a mistake: what is written and not heeded is a guard that is not there.
    """
    known = known_keys(model)
    ignored = [] if model.model_config.get("extra") in {"allow", "forbid"} else data.keys() - known
    for key in ignored:
        document.blame((*where, key), unknown_key(key, [*also_known, *known]))
    try:
        valid = model.model_validate(data)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            _blame(document, model, where, details, also_known)
        return None
    return None if ignored else valid


def known_keys(model: type[BaseModel]) -> list[str]:
    """The keys that ``model`` takes, in order."""
    by_name = model.model_config.get("populate_by_name") or model.model_config.get(
        "validate_by_name"
    )
    keys: list[str] = []
    for name, field in model.model_fields.items():
        aliases = [*_first_keys(field.validation_alias)]
        keys += [*aliases, name] if by_name or not aliases else aliases
    return keys


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The words for a key that is not taken, with the one that may have been meant."""
    listed = list(dict.fromkeys(known))
    return f"unknown key; known: {', '.join(listed)}{did_you_mean(key, listed)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where a known name is close, else nothing."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def not_found(noun: str, name: str, known: Iterable[str]) -> str:
    """The words for a name that stands for nothing."""
    listed = list(known)
    return f"no {noun} {name!r}; known: {', '.join(listed) or 'none'}{did_you_mean(name, listed)}"


def section_of(document: Document, key: str) -> dict[str, object]:
    """The mapping under a key of the root; an empty one if it is left out, null or a mistake."""
    value = child(document.data, key)
    if value is None:
        return {}
    return mapping_at(document, value, (key,)) or {}


def mapping_at(document: Document, value: object, where: Where) -> dict[str, object] | None:
    """``value`` if it is a mapping; else ``None``, and a mistake at ``where``."""
    if isinstance(value, dict):
        return value
    document.blame_value(where, "must be a mapping of keys to values")
    return None


def _blame(
    document: Document,
    model: type[BaseModel],
    where: Where,
    details: ErrorDetails,
    also_known: Iterable[str],
) -> None:
    kind = details["type"]
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        *path, key = details["loc"]
        parent = _model_at(model, path)
        known = known_keys(parent) if parent else []
        extra = [] if path else also_known
        document.blame((*where, *path, key), unknown_key(str(key), [*extra, *known]))
        return
    place = (*where, *_path_in(document, where, details["loc"]))
    if kind == "missing":
        document.blame((*where, *details["loc"]), "required")
    elif kind in _WORDS:
        document.blame_value(place, _WORDS[kind](context))
    else:
        text = str(context["error"]) if "error" in context else _plain(details["msg"])
        if not document.is_hidden(place):
            value = document.value_at(place)
            text += "" if isinstance(value, dict | list) else f" (got {shown(value)})"
        document.blame_foreign(place, text)


def _path_in(document: Document, where: Where, location: Where) -> Iterator[str | int]:
    """The parts of pydantic's location that are keys and indexes; it also names types and tags."""
    value = document.value_at(where)
    for part in location:
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int)
        ):
            value = child(value, part)
            yield part


def _model_at(model: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel] | None:
    """The model that the value at ``path`` inside ``model`` has, if it can be told."""
    found: type[BaseModel] | None = model
    for part in path:
        field = found.model_fields.get(part) if found and isinstance(part, str) else None
        if field is not None:
            found = next(_models_in(field.annotation), None)
    return found


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _first_keys(alias: str | AliasPath | AliasChoices | None) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, AliasPath):
        yield str(alias.path[0])
    elif isinstance(alias, AliasChoices):
        for choice in alias.choices:
            yield from _first_keys(choice)


def _plain(message: str) -> str:
    return message.replace("Input should", "must", 1)


def _amount(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else str(number)


def _too_short(noun: str, least: int) -> str:
    if least == 1:
        return "must not be empty"
    return f"must have at least {least} {noun}s"
