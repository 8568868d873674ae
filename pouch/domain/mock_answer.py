"""An answer that no model made, in the shape of OpenAI's chat completions.

Deterministic: ids and times are arguments. A token here is a word with the blanks around it, so
that usage is true of what was said, and an output bound cuts an answer as it would a model's.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pouch.domain.chat import ChatBody

WITHOUT_A_QUESTION: Final = "This is a mock response."
# Only so much of what the user said is said back.
ECHO_LENGTH_MAX: Final = 500
DONE: Final = b"data: [DONE]\n\n"

_PIECE: Final = re.compile(r"\s*\S+\s*")


@dataclass(frozen=True, slots=True)
class MockAnswer:
    """An answer, ready to be written as one document or as a stream of events.

    All choices say the same. ``pieces`` are the parts of the text, one event each; with ``tool``,
    the name of a function that is called instead, they are its arguments. ``usage`` is what the
    answer reports; ``None`` if it reports nothing.
    """

    id: str
    created: int
    model: str
    pieces: tuple[str, ...]
    finish_reason: str
    choices: int = 1
    tool: str | None = None
    usage: Mapping[str, object] | None = None
    include_usage: bool = False

    def document(self) -> bytes:
        """The whole answer as one JSON document."""
        whole = "".join(self.pieces)
        message: dict[str, object] = {"role": "assistant", "content": whole, "refusal": None}
        if self.tool is not None:
            message["content"] = None
            message["tool_calls"] = [self._call(name=self.tool, arguments=whole)]
        choices = [
            {
                "index": index,
                "message": message,
                "logprobs": None,
                "finish_reason": self.finish_reason,
            }
            for index in range(self.choices)
        ]
        document = {**self._head("chat.completion"), "choices": choices}
        if self.usage is not None:
            document["usage"] = self.usage
        return _json(document)

    def events(self) -> Iterator[bytes]:
        """The answer as server-sent events, made one at a time; the last is ``[DONE]``."""
        opening: dict[str, object] = {"role": "assistant", "content": ""}
        if self.tool is not None:
            opening["content"] = None
            opening["tool_calls"] = [{"index": 0, **self._call(name=self.tool, arguments="")}]
        yield from self._for_each_choice(opening)
        for piece in self.pieces:
            if self.tool is None:
                yield from self._for_each_choice({"content": piece})
            else:
                call = {"index": 0, "function": {"arguments": piece}}
                yield from self._for_each_choice({"tool_calls": [call]})
        yield from self._for_each_choice({}, self.finish_reason)
        if self.include_usage and self.usage is not None:
            yield _event(
                {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage}
            )
        yield DONE

    def _for_each_choice(
        self, delta: Mapping[str, object], finish_reason: str | None = None
    ) -> Iterator[bytes]:
        """The same step of every choice, one after another, as providers interleave them."""
        for index in range(self.choices):
            chunk = self._head("chat.completion.chunk")
            chunk["choices"] = [
                {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
            ]
            if self.include_usage:
                chunk["usage"] = None
            yield _event(chunk)

    def _head(self, kind: str) -> dict[str, object]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _call(self, *, name: str, arguments: str) -> dict[str, object]:
        function = {"name": name, "arguments": arguments}
        return {"id": f"call_{self.id}", "type": "function", "function": function}


def answer_to(
    body: ChatBody,
    *,
    answer_id: str,
    created: int,
    text: str | None = None,
    tool_choice: object = None,
    output_bound: int | None = None,
) -> MockAnswer:
    """What the mock says to ``body``: ``text``, else an echo of the last thing the user said.

    ``tool_choice`` is that field of the body, decoded: if it demands a function, the answer calls
    it with no arguments. The answer is cut at the client's limit or at ``output_bound``, in words
    per choice, whichever is less; the name of a function is a word that is never cut.
    """
    tool = demanded_tool(body, tool_choice)
    if tool is None:
        pieces = pieces_of(default_text(body) if text is None else text)
        named = 0
    else:
        pieces = ("{}",)
        named = 1
    bounds = [bound for bound in (body.output_limit, output_bound) if bound is not None]
    allowed = max(min(bounds) - named, 0) if bounds else len(pieces)
    said = pieces[:allowed]
    finish_reason = "stop" if tool is None else "tool_calls"
    return MockAnswer(
        id=answer_id,
        created=created,
        model=body.model,
        pieces=said,
        finish_reason=finish_reason if len(said) == len(pieces) else "length",
        choices=body.choices,
        tool=tool,
        usage=usage_report(words_in(body), (len(said) + named) * body.choices),
        include_usage=body.include_usage,
    )


def default_text(body: ChatBody) -> str:
    """An echo of the last text that a user sent, or a fixed sentence if there is none."""
    for message in reversed(body.messages):
        if message.get("role") == "user" and (text := " ".join(_texts(message.get("content")))):
            return f'Mock response to: "{text[:ECHO_LENGTH_MAX]}"'
    return WITHOUT_A_QUESTION


def pieces_of(text: str) -> tuple[str, ...]:
    """``text`` word by word; joined, they are ``text`` again."""
    found = tuple(_PIECE.findall(text))
    return found if found or not text else (text,)


def words_in(body: ChatBody) -> int:
    """Words of all messages' text: what the mock counts as input tokens."""
    return sum(
        len(text.split()) for message in body.messages for text in _texts(message.get("content"))
    )


def usage_report(input_tokens: int, output_tokens: int) -> dict[str, object]:
    """A usage object as OpenAI writes it."""
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def demanded_tool(body: ChatBody, tool_choice: object) -> str | None:
    """The function that the client insists on being called; ``None`` if it leaves the choice."""
    names = [name for tool in body.tools if (name := _function_name(tool)) is not None]
    if tool_choice == "required":
        return names[0] if names else None
    if isinstance(tool_choice, Mapping):
        name = _function_name(tool_choice)
        return name if name in names else None
    return None


def _function_name(tool: Mapping[str, object]) -> str | None:
    """The name in ``{"type": "function", "function": {"name": ...}}``."""
    function = tool.get("function")
    name = function.get("name") if isinstance(function, Mapping) else tool.get("name")
    return name if isinstance(name, str) else None


def _texts(content: object) -> Sequence[str]:
    """The texts in a message's content, which is one string or a list of parts."""
    if isinstance(content, str):
        return (content,)
    if not isinstance(content, list):
        return ()
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return [text for text in texts if isinstance(text, str)]


def _event(chunk: Mapping[str, object]) -> bytes:
    return b"data: " + _json(chunk) + b"\n\n"


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
