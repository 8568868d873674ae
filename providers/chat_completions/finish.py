"""How a stream of chat completions ends: which choices have ended, and an end for one cut short."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from pouch.domain.sse import event_start, naming
from pouch.domain.usage import Usage
from pouch.providers.chat_completions.text import events_in

_REASON: Final = naming(b"finish_reason")
# What all chunks of one answer have in common.
_COMMON: Final = ("id", "object", "created", "model", "system_fingerprint", "service_tier")

_NONE: Final[frozenset[int]] = frozenset()

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def finished_in(events: bytes) -> frozenset[int]:
    """The choices that whole server-sent events say have ended.

    Nothing is parsed but from the event on that gives the first reason.
    """
    found = _REASON.search(events)
    if found is None:
        return _NONE
    return frozenset(
        index
        for chunk in _chunks_in(events[event_start(events, found.start()) :])
        for choice in _choices_of(chunk)
        if isinstance(index := choice.get("index", 0), int)
        and isinstance(choice.get("finish_reason"), str)
    )


def cut_short(events: bytes, *, choices: Collection[int], usage: Usage | None) -> bytes:
    """The events that end an answer at its output limit, in the likeness of its last chunk.

    ``events`` are some that it sent, ``choices`` those that have not ended; ``usage`` is sent in
    a chunk of its own, as to a client that asked for it.
    """
    last: Mapping[str, object] = {}
    for chunk in _chunks_in(events):
        if "choices" in chunk:
            last = chunk
    common: dict[str, object] = {
        "object": "chat.completion.chunk",
        **{name: last[name] for name in _COMMON if name in last},
    }
    chunks: list[dict[str, object]] = [
        {**common, "choices": [{"index": index, "delta": {}, "finish_reason": "length"}]}
        for index in choices
    ]
    if usage is not None:
        chunks.append({**common, "choices": [], "usage": _usage_report(usage)})
    return b"".join(b"data: %s\n\n" % data for data in (*map(_encode, chunks), b"[DONE]"))


def _usage_report(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _chunks_in(events: bytes) -> Iterator[Mapping[str, object]]:
    for data in events_in(events):
        try:
            chunk: object = _decode(data)
        except (ValueError, RecursionError):
            continue
        if isinstance(chunk, dict):
            yield chunk


def _choices_of(chunk: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    choices = chunk.get("choices")
    if isinstance(choices, list):
        yield from (choice for choice in choices if isinstance(choice, dict))
