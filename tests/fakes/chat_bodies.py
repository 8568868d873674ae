"""Chat bodies as the API layer would hand them on, made from decoded JSON."""

import json
from collections.abc import Mapping, Sequence

from pouch.domain.chat import TEXT_ONLY, ChatBody, Media


def chat_body(
    messages: Sequence[Mapping[str, object]],
    *,
    tools: Sequence[Mapping[str, object]] = (),
    media: Media = TEXT_ONLY,
    **fields: object,
) -> ChatBody:
    """A body whose size is that of its JSON, written as compactly as a client can."""
    whole = {"model": "m", "messages": messages, "tools": tools, **fields}
    encoded = {name: _json(value) for name, value in whole.items() if value or name != "tools"}
    return ChatBody(
        fields=encoded,
        size_bytes=len(_json(whole)),
        model="m",
        messages=messages,
        tools=tools,
        media=media,
    )


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")
