"""The body that goes upstream: the client's, but for the model, the output limit, the usage wish.

Every other top-level field goes on byte for byte.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from pouch.domain.pipeline import Request

LimitName: TypeAlias = Literal["max_completion_tokens", "max_tokens"]

LIMIT_NAMES: Final[tuple[LimitName, ...]] = ("max_completion_tokens", "max_tokens")

_encode: Final = msgspec.json.Encoder().encode


def outgoing_body(request: Request, *, limit_name: LimitName, ask_usage: bool) -> bytes:
    """The JSON for ``request``.

    ``limit_name`` is what the provider calls its output limit. ``ask_usage`` asks for the usage
    chunk of a stream.
    """
    body = request.body
    fields = dict(body.fields)
    fields["model"] = request.route.model
    if request.output_bound is not None:
        _bound_output(fields, request.output_bound, limit_name)
    if ask_usage and body.stream and not body.include_usage:
        options = _decoded(fields.get("stream_options")) or {}
        if isinstance(options, dict):
            fields["stream_options"] = {**options, "include_usage": True}
    return _encode(fields)


def _bound_output(fields: dict[str, object], bound: int, limit_name: LimitName) -> None:
    """See that ``fields`` hold a limit of at most ``bound`` that the provider understands.

    Who knows the newer name knows the older one, or refuses it at no cost. Who knows only
    "max_tokens" might ignore the newer name, and then nothing would bound what the answer costs;
    so there the client's limit goes on under the older one.
    """
    named: dict[LimitName, int] = {}
    for name in LIMIT_NAMES:
        value = _decoded(fields.get(name))
        if isinstance(value, int):
            named[name] = value
            if value > bound:
                fields[name] = bound
    if not named:
        fields[limit_name] = bound
    elif limit_name == "max_tokens" and "max_tokens" not in named:
        fields["max_tokens"] = fields.pop("max_completion_tokens")


def _decoded(field: object) -> object:
    """A field of the body; one that the API layer left as JSON is parsed."""
    return msgspec.json.decode(field) if isinstance(field, msgspec.Raw) else field
