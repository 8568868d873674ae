"""All text of an answer that is billed as output, for counting an answer that broke off.

Pieces of one text are put together before they are counted, however choices and tool calls were
interleaved, since a word that is split between two chunks counts for more when it is counted twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

# Which text a piece belongs to: the choice, what kind of text it is, and which tool call.
_Place: TypeAlias = tuple[int, str, int]

# Name and arguments of a call, or a custom tool's free input.
_OF_CALLS: Final = ("name", "arguments", "input")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_decode: Final = msgspec.json.Decoder().decode


def text_in(answer: bytes, *, stream: bool) -> str:
    """Content, reasoning, refusals and tool calls of every choice, one text a line.

    ``answer`` is a JSON document, or with ``stream`` whole server-sent events. What cannot be read
    is left out.
    """
    texts: dict[_Place, list[str]] = {}
    for document in events_in(answer) if stream else (answer,):
        for place, piece in _pieces(_object(document)):
            texts.setdefault(place, []).append(piece)
    return "\n".join("".join(pieces) for pieces in texts.values())


def pieces_in(events: bytes) -> Iterator[tuple[_Place, str]]:
    """Every piece of text in whole server-sent events, with the text that it goes on.

    Names of functions are left out: some servers repeat them with every piece.
    """
    for document in events_in(events):
        yield from _pieces(_object(document), ("arguments", "input"))


def events_in(stream: bytes) -> Iterator[bytes]:
    """The data of each server-sent event in ``stream`` (WHATWG HTML, 9.2.6)."""
    data: list[bytes] = []
    # Only these three end a line: bytes know no others.
    for line in stream.removeprefix(_BYTE_ORDER_MARK).splitlines():
        if not line:
            if data:
                yield b"\n".join(data)
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
    if data:
        yield b"\n".join(data)


def _object(document: bytes) -> Mapping[str, object]:
    """``document`` decoded; nothing at all if it is no JSON object."""
    try:
        value: object = _decode(document)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _pieces(
    document: Mapping[str, object], of_calls: Sequence[str] = _OF_CALLS
) -> Iterator[tuple[_Place, str]]:
    for position, choice in enumerate(_objects(document.get("choices"))):
        number = _index(choice, position)
        message = choice.get("delta") or choice.get("message")
        if isinstance(message, dict):
            for kind, call, piece in _message_pieces(message, of_calls):
                yield (number, kind, call), piece
        yield from (((number, "text", 0), piece) for piece in _strings(choice.get("text")))


def _message_pieces(
    message: Mapping[str, object], of_calls: Sequence[str]
) -> Iterator[tuple[str, int, str]]:
    """``(kind, tool call, piece)`` for every text in a message or in the delta of one."""
    # Some servers send the same reasoning under both names.
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    for kind, text in (
        ("reasoning", reasoning),
        ("content", message.get("content")),
        ("refusal", message.get("refusal")),
    ):
        yield from ((kind, 0, piece) for piece in _strings(text))
    for position, call in enumerate(_objects(message.get("tool_calls"))):
        for piece in _call_pieces(call.get("function") or call.get("custom"), of_calls):
            yield "tool", _index(call, position), piece
    function = message.get("function_call")
    yield from (("function", 0, piece) for piece in _call_pieces(function, of_calls))


def _call_pieces(function: object, of_calls: Sequence[str]) -> Iterator[str]:
    """Those parts ``of_calls`` that a call has."""
    if isinstance(function, dict):
        for name in of_calls:
            yield from _strings(function.get(name))


def _strings(content: object) -> Iterator[str]:
    """The texts in ``content``: one string, or parts that hold text or thinking."""
    if isinstance(content, str):
        if content:
            yield content
        return
    for part in _objects(content):
        for name in ("text", "refusal"):
            text = part.get(name)
            if isinstance(text, str) and text:
                yield text
        thinking = part.get("thinking")
        if isinstance(thinking, str):
            yield thinking
        for thought in _objects(thinking):
            text = thought.get("text")
            if isinstance(text, str):
                yield text


def _objects(value: object) -> Sequence[Mapping[str, object]]:
    """The objects in ``value`` if it is a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _index(item: Mapping[str, object], position: int) -> int:
    index = item.get("index")
    return index if isinstance(index, int) else position
