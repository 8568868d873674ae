"""What a provider says it consumed, in tokens."""

from pouch.domain.value import value


@value
class Usage:
    """Tokens of one answer.

    ``input_tokens`` and ``output_tokens`` are totals; the others are parts of them: cached input,
    cache writes, audio and image input are inside ``input_tokens``; reasoning and audio output are
    inside ``output_tokens``. ``service_tier`` is the tier that the provider says it really used.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    audio_input_tokens: int = 0
    image_input_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    service_tier: str | None = None

    @property
    def has_kinds(self) -> bool:
        """Some of the tokens are not plain ones."""
        return bool(
            self.cached_input_tokens
            or self.reasoning_tokens
            or self.cache_write_tokens
            or self.audio_input_tokens
            or self.image_input_tokens
            or self.audio_output_tokens
        )
