"""What the chunks of one stream have around their text, so that most of it need not be parsed."""

import re
from typing import Final

from pouch.domain.sse import event_start

# (No possessive quantifiers: before 3.11.5, Python fails to match some that match.)
# From the beginning of an event to the text of its choice; nothing before it is billed.
_BEFORE: Final = re.compile(
    rb'data: ?\{(?:"(?:id|object|model|system_fingerprint|service_tier)": ?(?:"[^"\\]*"|null), ?'
    rb'|"created": ?\d+, ?)*"choices": ?\[\{(?:"index": ?\d+, ?)?"delta": ?\{'
    rb'(?:"role": ?"assistant", ?)?"content": ?"'
)
_TEXT: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*')
# From the quote after the text; members without a value.
_AFTER: Final = re.compile(rb'"[\]}]*(?:, ?"\w+": ?null[\]}]*)*')
_CONTENT: Final = b'"content":'


def envelope_in(events: bytes) -> tuple[bytes, ...]:
    """Byte strings that hold no text, wherever they occur in the stream that ``events`` are of.

    They are what stands before and after the text of the last chunk that has one. Each has a quote
    within; inside a string of JSON a backslash would stand before that, so that none of them
    occurs inside a text.
    """
    at = events.rfind(_CONTENT)
    before = _BEFORE.match(events, event_start(events, at)) if at >= 0 else None
    if before is None:
        return ()
    text = _TEXT.match(events, before.end())
    after = _AFTER.match(events, text.end()) if text is not None else None
    parts = (before.group(), after.group() if after is not None else b"")
    return tuple(part for part in parts if b'"' in part[1:-1])
