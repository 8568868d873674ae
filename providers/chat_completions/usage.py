"""Usage as chat completions report it, read so that no dialect bills less than it should.

All the parts are inside the totals: cached tokens in ``prompt_tokens``, reasoning in
``completion_tokens``. Some vendors leave reasoning out of ``completion_tokens``; it is then in
``total_tokens``, or shows by exceeding what it should be part of, and is added.
"""

from typing import Annotated, Final, TypeAlias

import msgspec

from pouch.domain.provider import Reported
from pouch.domain.usage import Usage

# More than any model takes or says by many orders; beyond it a number is an error, not a bill.
TOKENS_MAX: Final = 2**40

_Tokens: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=TOKENS_MAX)]
_NULL: Final = msgspec.Raw(b"null")


class _InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: _Tokens | None = None
    cache_write_tokens: _Tokens | None = None
    audio_tokens: _Tokens | None = None
    image_tokens: _Tokens | None = None


class _OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: _Tokens | None = None
    audio_tokens: _Tokens | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: _Tokens | None = None  # DeepSeek's name
    cached_tokens: _Tokens | None = None  # Moonshot's place


class _Answer(msgspec.Struct, frozen=True):
    usage: _Usage | None = None
    choices: list[msgspec.Raw] | None = None
    service_tier: msgspec.Raw = _NULL


class _AnyObject(msgspec.Struct, frozen=True):
    """Any JSON object: its members are passed over."""


_answer: Final = msgspec.json.Decoder(_Answer)
_any_object: Final = msgspec.json.Decoder(_AnyObject)


def is_answer(answer: bytes) -> bool:
    """Whether ``answer`` is a JSON object."""
    try:
        _any_object.decode(answer)
    except (ValueError, RecursionError):
        return False
    return True


def usage_in(answer: bytes) -> Reported | None:
    """The usage in one JSON document or event; ``None`` without one, or one that is nonsense.

    Nonsense is what is negative, not a whole number, absurdly large, a part greater than its
    whole, or nothing at all: no request has neither input nor output.
    """
    try:
        decoded = _answer.decode(answer)
    except (ValueError, RecursionError):
        return None
    if decoded.usage is None:
        return None
    usage = _usage(decoded.usage, _text(decoded.service_tier))
    return None if usage is None else Reported(usage, alone=decoded.choices == [])


def _usage(reported: _Usage, service_tier: str | None) -> Usage | None:
    into = reported.prompt_tokens_details or _InputDetails()
    out = reported.completion_tokens_details or _OutputDetails()
    reasoning = out.reasoning_tokens or 0
    usage = Usage(
        input_tokens=reported.prompt_tokens,
        output_tokens=_output_tokens(reported, reasoning),
        cached_input_tokens=(
            into.cached_tokens or reported.prompt_cache_hit_tokens or reported.cached_tokens or 0
        ),
        cache_write_tokens=into.cache_write_tokens or 0,
        audio_input_tokens=into.audio_tokens or 0,
        image_input_tokens=into.image_tokens or 0,
        reasoning_tokens=reasoning,
        audio_output_tokens=out.audio_tokens or 0,
        service_tier=service_tier,
    )
    return usage if _makes_sense(usage) else None


def _output_tokens(reported: _Usage, reasoning: int) -> int:
    """All output, with the reasoning that some vendors keep out of ``completion_tokens``."""
    output = reported.completion_tokens
    if reasoning > output:
        output += reasoning
    if reported.total_tokens is not None:
        output = max(output, reported.total_tokens - reported.prompt_tokens)
    return output


def _makes_sense(usage: Usage) -> bool:
    input_parts = (
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.audio_input_tokens,
        usage.image_input_tokens,
    )
    return (
        usage.input_tokens + usage.output_tokens > 0
        and max(input_parts) <= usage.input_tokens
        and usage.audio_output_tokens <= usage.output_tokens
    )


def _text(raw: msgspec.Raw) -> str | None:
    """The string that ``raw`` holds; what is no string says nothing, and spoils nothing."""
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None
