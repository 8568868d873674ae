"""What the parts of chat messages hold besides text, and whether it can be bounded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pouch.domain.chat import TEXT_ONLY, Image, Media

_TEXT_PARTS: Final = frozenset({"text", "refusal", "thinking", "input_text", "output_text"})


def media_of(messages: Sequence[Mapping[str, object]]) -> Media:
    """The media among the messages' parts. Unknown parts count as unbounded."""
    images: list[Image] = []
    inline_bytes = 0
    has_audio = False
    unbounded: str | None = None
    for part in _parts(messages):
        kind = part.get("type")
        if "image_url" in part or kind == "image_url":
            image = _image(part.get("image_url"))
            images.append(image)
            if image.data:
                inline_bytes += len(image.data)
                # Some servers take documents and videos here, whose pages no image's size bounds.
                if image.data[:11].lower() != "data:image/":
                    unbounded = "data: URL that is no image"
        elif "input_audio" in part or kind == "input_audio":
            has_audio = True
        elif not isinstance(kind, str):
            unbounded = "part"
        elif kind not in _TEXT_PARTS:
            unbounded = kind
    if any(message.get("audio") for message in messages):
        # An earlier answer's audio, kept by the provider and named by its id.
        has_audio, unbounded = True, "audio"
    if not images and not has_audio and unbounded is None:
        return TEXT_ONLY
    return Media(tuple(images), inline_bytes, has_audio, unbounded)


def _parts(messages: Sequence[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            yield from content


def _image(image_url: object) -> Image:
    url = image_url.get("url") if isinstance(image_url, Mapping) else image_url
    detail = image_url.get("detail") if isinstance(image_url, Mapping) else None
    data = url if isinstance(url, str) and url[:5].lower() == "data:" else None
    return Image(detail if isinstance(detail, str) else "auto", data)
