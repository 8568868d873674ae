"""A chat completion request as the gateway understands it: what it must price, and no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pouch.domain.value import value

CHOICES_MAX: Final = 128
# Fields that can make a model reason, or keep from the answer what it reasoned.
REASONING_FIELDS: Final = frozenset(
    {"include_reasoning", "reasoning", "reasoning_effort", "reasoning_format", "thinking"}
)


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the input; ``detail`` as the client named it, "auto" where it did not."""

    detail: str
    data: str | None = None
    """The ``data:`` URL, where the image is inside the body; a remote image is not fetched."""


@value
class Media:
    """What the input holds besides text.

    ``inline_bytes`` is how many bytes of the body are images' base64, which cost by their size in
    pixels and not by their length. ``unbounded`` names a part whose tokens nothing in the body
    bounds (a file by its id, a video, a part of unknown type); ``None`` if there is none.
    """

    images: tuple[Image, ...] = ()
    inline_bytes: int = 0
    has_audio: bool = False
    unbounded: str | None = None

    @property
    def any(self) -> bool:
        """Tokens that are not text can be among the input."""
        return bool(self.images) or self.has_audio or self.unbounded is not None


TEXT_ONLY: Final = Media()


@value
class ChatBody:
    """A parsed ``POST /v1/chat/completions``.

    ``fields`` holds every top-level field of the body still as JSON (opaque here), so that what
    the gateway does not understand goes on as it came. ``output_limit`` is the larger of
    ``max_tokens`` and ``max_completion_tokens`` per choice, ``None`` where the client named none.
    ``messages`` are the decoded messages, ``tools`` the decoded tools and functions.
    ``prediction_bytes`` is the length of a predicted output, whose rejected tokens are billed as
    output on top of the limit.
    """

    fields: Mapping[str, object]
    size_bytes: int
    model: str
    messages: Sequence[Mapping[str, object]]
    tools: Sequence[Mapping[str, object]] = ()
    stream: bool = False
    include_usage: bool = False
    output_limit: int | None = None
    choices: int = 1
    media: Media = TEXT_ONLY
    audio_output: bool = False
    prediction_bytes: int = 0
    service_tier: str | None = None

    @property
    def any_kind(self) -> bool:
        """Tokens that are not text can be among the input or the output."""
        return self.media.any or self.audio_output

    @property
    def asks_to_reason(self) -> bool:
        """The client has a say in how the model reasons, and so maybe in whether it shows that."""
        return not REASONING_FIELDS.isdisjoint(self.fields)
