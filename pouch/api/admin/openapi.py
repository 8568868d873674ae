"""The OpenAPI document, made from the endpoints and the pydantic models that they name."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pouch.api.admin.endpoint import Endpoint
from pouch.domain.money import Money

VERSION: Final = "1"
_REF: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")

Mode: TypeAlias = Literal["validation", "serialization"]


class ErrorDetail(BaseModel):
    """What went wrong; ``param`` names the field, dotted."""

    message: str
    type: str
    code: str
    param: str | None


class ErrorObject(BaseModel):
    """Every refusal."""

    error: ErrorDetail


def document(endpoints: Sequence[Endpoint]) -> bytes:
    """The document as JSON."""
    paths: dict[str, dict[str, object]] = {}
    for endpoint in endpoints:
        operations = paths.setdefault("/api" + endpoint.path, {})
        operations[endpoint.method.lower()] = _operation(endpoint)
    content = {
        "openapi": "3.1.0",
        "info": {"title": "Pouch administration", "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": _schemas(endpoints),
            "securitySchemes": {"admin_token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"admin_token": []}],
    }
    return msgspec.json.encode(content)


def _schemas(endpoints: Sequence[Endpoint]) -> object:
    models: dict[type[BaseModel], Mode] = {ErrorObject: "serialization"}
    for endpoint in endpoints:
        if endpoint.body is not None:
            models[endpoint.body] = "validation"
        if endpoint.answer is not None:
            models[endpoint.answer] = "serialization"
    _, schemas = models_json_schema(list(models.items()), ref_template=_REF)
    definitions: dict[str, object] = schemas["$defs"]
    # Pydantic describes the class behind a money field too, though the field itself is a string.
    definitions.pop(Money.__name__, None)
    return definitions


def _operation(endpoint: Endpoint) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": {
            str(endpoint.status): _done(endpoint),
            "default": _response("Refused", ErrorObject),
        },
    }
    parameters = _parameters(endpoint)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {"content": _content(endpoint.body), "required": True}
    if endpoint.open:
        operation["security"] = []
    return operation


def _done(endpoint: Endpoint) -> dict[str, object]:
    if endpoint.media is None:
        return _response("Done", endpoint.answer)
    return {"description": "Done", "content": {endpoint.media: {"schema": {"type": "string"}}}}


def _response(description: str, model: type[BaseModel] | None) -> dict[str, object]:
    if model is None:
        return {"description": description}
    return {"description": description, "content": _content(model)}


def _content(model: type[BaseModel]) -> dict[str, object]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}


def _parameters(endpoint: Endpoint) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        described = endpoint.query.model_json_schema()
        definitions = described.get("$defs", {})
        found += [
            {"name": name, "in": "query", "required": False, "schema": _whole(schema, definitions)}
            for name, schema in described["properties"].items()
        ]
    return found


def _whole(schema: object, definitions: Mapping[str, object]) -> object:
    """``schema`` with what it refers to in its place: a parameter has no definitions of its own."""
    if isinstance(schema, list):
        return [_whole(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        named = definitions[schema["$ref"].rpartition("/")[2]]
        return _whole(named, definitions)
    return {name: _whole(part, definitions) for name, part in schema.items()}
