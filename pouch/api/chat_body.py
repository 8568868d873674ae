"""``POST /v1/chat/completions``: what the gateway must understand of a body, checked.

Every top-level field stays as the JSON it came in; only what prices a request is decoded. A field
given twice counts once, with its last value, and goes upstream that way: what was priced is what
is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from pouch.api.chat_media import media_of
from pouch.domain.chat import CHOICES_MAX, ChatBody
from pouch.domain.errors import InvalidRequestError

OUTPUT_LIMIT_MAX: Final = 2**31 - 1
MODEL_LENGTH_MAX: Final = 256
# Each value of a body becomes an object in memory, and nothing else runs while they are made: half
# a second for a million. As text for a model so many marks would be more than any model reads.
VALUES_MAX: Final = 500_000

# What decides the cost of a request.
_PRICED: Final = frozenset(
    """
    model messages tools functions stream stream_options max_tokens max_completion_tokens n best_of
    modalities prediction service_tier
    """.split()  # noqa: SIM905 - as a literal it would fill a page
)

T = TypeVar("T")
Objects = list[dict[str, object]]

_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text: Final = msgspec.json.Decoder(str)
_flag: Final = msgspec.json.Decoder(bool | None)
_count: Final = msgspec.json.Decoder(int | None)
_optional_text: Final = msgspec.json.Decoder(str | None)
_names: Final = msgspec.json.Decoder(list[str] | None)
_objects: Final = msgspec.json.Decoder(Objects)
_optional_objects: Final = msgspec.json.Decoder(Objects | None)
_object: Final = msgspec.json.Decoder(dict[str, object] | None)


def parse_chat_body(raw: bytes) -> ChatBody:
    """Read a request body.

    Raises:
        InvalidRequestError: it is not JSON, or a field that matters here has a wrong value.
    """
    if len(raw) > VALUES_MAX and sum(map(raw.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise InvalidRequestError(f"The body holds more than {VALUES_MAX} values.")
    try:
        fields = _fields.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRequestError(f"The body is not a JSON object: {error}") from None
    _check_names(fields)
    messages = _messages(fields)
    include_usage = False
    if "stream_options" in fields:
        options = _read(fields, "stream_options", _object, "an object") or {}
        include_usage = options.get("include_usage") is True
    prediction = fields.get("prediction")
    modalities: list[str] = []
    if "modalities" in fields:
        modalities = _read(fields, "modalities", _names, "a list of strings") or []
    return ChatBody(
        fields=fields,
        size_bytes=len(raw),
        model=_model(fields),
        messages=messages,
        tools=_tools(fields),
        stream="stream" in fields and bool(_read(fields, "stream", _flag, "true or false")),
        include_usage=include_usage,
        output_limit=_output_limit(fields),
        choices=_choices(fields),
        media=media_of(messages),
        audio_output="audio" in modalities,
        prediction_bytes=len(bytes(prediction)) if prediction is not None else 0,
        service_tier=(
            _read(fields, "service_tier", _optional_text, "a string")
            if "service_tier" in fields
            else None
        ),
    )


def _check_names(fields: Mapping[str, msgspec.Raw]) -> None:
    """Refuse what a server that reads names without regard to case takes for a priced field.

    Raises:
        InvalidRequestError: there is such a field.
    """
    for name in fields:
        meant = name.casefold()
        if meant in _PRICED and name != meant:
            raise InvalidRequestError(f"The field {meant!r} must be written so.", param=meant)


def _read(
    fields: Mapping[str, msgspec.Raw], name: str, decoder: msgspec.json.Decoder[T], wanted: str
) -> T:
    """The field, which is there, decoded.

    Raises:
        InvalidRequestError: it is not what is ``wanted``.
    """
    raw = fields[name]
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRequestError(f"{name!r} must be {wanted}: {error}", param=name) from None


def _model(fields: Mapping[str, msgspec.Raw]) -> str:
    model = _read(fields, "model", _text, "a string") if "model" in fields else None
    if not model:
        raise InvalidRequestError("'model' is required.", param="model")
    if len(model) > MODEL_LENGTH_MAX:
        raise InvalidRequestError(
            f"'model' has more than {MODEL_LENGTH_MAX} characters.", param="model"
        )
    return model


def _messages(fields: Mapping[str, msgspec.Raw]) -> Objects:
    messages: Objects = []
    if "messages" in fields:
        messages = _read(fields, "messages", _objects, "a list of objects")
    if not messages:
        raise InvalidRequestError("'messages' must hold at least one message.", param="messages")
    for i, message in enumerate(messages):
        if not isinstance(message.get("role"), str):
            raise InvalidRequestError(
                f"'messages[{i}].role' must be a string.", param=f"messages[{i}].role"
            )
        content = message.get("content")
        if content is None or isinstance(content, str):
            continue
        if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
            raise InvalidRequestError(
                f"'messages[{i}].content' must be a string or a list of parts.",
                param=f"messages[{i}].content",
            )
    return messages


def _tools(fields: Mapping[str, msgspec.Raw]) -> Sequence[Mapping[str, object]]:
    listed: Objects = []
    for name in ("tools", "functions"):
        if name in fields:
            listed += _read(fields, name, _optional_objects, "a list of objects") or []
    return listed


def _output_limit(fields: Mapping[str, msgspec.Raw]) -> int | None:
    """The larger of both names' limits; whichever the provider obeys, it is bounded."""
    one = _whole(fields, "max_tokens", OUTPUT_LIMIT_MAX)
    other = _whole(fields, "max_completion_tokens", OUTPUT_LIMIT_MAX)
    return max(one or 0, other or 0) or None


def _choices(fields: Mapping[str, msgspec.Raw]) -> int:
    """How many answers are generated; some servers generate ``best_of`` to return ``n``."""
    return max(_whole(fields, "n", CHOICES_MAX) or 1, _whole(fields, "best_of", CHOICES_MAX) or 1)


def _whole(fields: Mapping[str, msgspec.Raw], name: str, most: int) -> int | None:
    if name not in fields:
        return None
    number: int | None = _read(fields, name, _count, "a whole number")
    if number is not None and not 1 <= number <= most:
        raise InvalidRequestError(f"{name!r} must be from 1 to {most} (got {number}).", param=name)
    return number
