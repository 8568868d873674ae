"""What a chat completion's messages and other fields cost, by the published formulas.

Every message is 3 tokens, its role, its content, and a name and one more; an answer is primed by
3. Tool calls are their names and arguments. A field of the body that is not known to stay out of
the prompt is counted as the JSON that it is.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw

from pouch.domain.chat import ChatBody
from pouch.infra.tokens.text import Tally, leaves_in, written
from pouch.infra.tokens.tools import count_tools

MESSAGE: Final = 3
NAME: Final = 1
PRIMING: Final = 3
TOOL_CALL: Final = 3
TOOL_CALL_ID: Final = 3
NAMED_TOOL: Final = 7
FUNCTION_O200K: Final = 7
FUNCTION_CL100K: Final = 10
# An id stands in the prompt as a few tokens; what is longer is no id that a provider made.
ID_CHARACTERS_MAX: Final = 64

# Top-level fields that are counted otherwise, or that steer the answer and are not read as text.
_OUTSIDE: Final = frozenset(
    """
    messages tools functions prediction model stream stream_options max_tokens
    max_completion_tokens n best_of temperature top_p top_k min_p presence_penalty
    frequency_penalty repetition_penalty logit_bias logprobs top_logprobs seed stop user store
    metadata service_tier modalities audio parallel_tool_calls reasoning_effort verbosity
    safety_identifier prompt_cache_key prompt_cache_retention
    """.split()  # noqa: SIM905 - as a literal it would fill a page
)
_CALL: Final = frozenset({"name", "arguments", "input"})
_IMAGE: Final = frozenset({"url", "detail"})
_CHOICE_FIELDS: Final = frozenset({"tool_choice", "function_call"})


def count_prompt(body: ChatBody, tally: Tally, *, encoding: str) -> None:
    """Add all text of ``body`` to ``tally``; its images are no text.

    Raises:
        AllowanceSpentError: there is more than the tally allows; what was added stands.
    """
    tally.tokens += PRIMING
    for message in body.messages:
        _count_message(message, tally)
    count_tools(
        body.tools,
        tally,
        function_tokens=FUNCTION_CL100K if encoding == "cl100k_base" else FUNCTION_O200K,
        system_message=any(message.get("role") == "system" for message in body.messages),
    )
    for name, value in body.fields.items():
        if name not in _OUTSIDE:
            _count_field(name, value, tally)


def _count_message(message: Mapping[str, object], tally: Tally) -> None:
    tally.tokens += MESSAGE
    for key, value in message.items():
        if value is not None:
            _count_entry(key, value, tally)


def _count_entry(key: str, value: object, tally: Tally) -> None:
    match key, value:
        case "content", list():
            for part in value:
                _count_part(part, tally)
        case (("content" | "role"), str()):
            tally.text(value)
        case "name", str():
            tally.tokens += NAME
            tally.text(value)
        case "tool_calls", list():
            for call in value:
                _count_call(call, tally)
        case "function_call", _:
            tally.tokens += TOOL_CALL
            _count_named(value, _CALL, tally)
        case "tool_call_id", str() if len(value) <= ID_CHARACTERS_MAX:
            tally.tokens += TOOL_CALL_ID
        case _:
            tally.anything({key: value})


def _count_part(part: object, tally: Tally) -> None:
    if not isinstance(part, Mapping):
        tally.anything(part)
        return
    for key, value in part.items():
        match key, value:
            case "text", str():
                tally.text(value)
            case "type", ("text" | "image_url" | "input_audio"):
                pass
            case "image_url", _:
                _count_named(_without_data(value), _IMAGE, tally)
            case "input_audio", _:
                # A second of audio is more bytes of base64 than tokens.
                for leaf in leaves_in(value):
                    tally.bytes_of(written(leaf))
            case _:
                tally.anything({key: value})


def _without_data(image: object) -> object:
    """What an image's part says besides the image, which is counted by its size."""
    if isinstance(image, Mapping):
        return {key: value for key, value in image.items() if not _is_data(key, value)}
    return None if _is_data("url", image) else image


def _is_data(key: str, value: object) -> bool:
    return key == "url" and isinstance(value, str) and value.startswith("data:")


def _count_call(call: object, tally: Tally) -> None:
    tally.tokens += TOOL_CALL
    if not isinstance(call, Mapping):
        tally.anything(call)
        return
    for key, value in call.items():
        match key, value:
            case "id", str() if len(value) <= ID_CHARACTERS_MAX:
                pass
            case "type", ("function" | "custom"):
                pass
            case (("function" | "custom"), _):
                _count_named(value, _CALL, tally)
            case _:
                tally.anything({key: value})


def _count_named(value: object, expected: frozenset[str], tally: Tally) -> None:
    """Count what an object says under ``expected`` names, which cost nothing, and all else too."""
    if not isinstance(value, Mapping):
        tally.anything(value)
        return
    for key, item in value.items():
        if key in expected and isinstance(item, str):
            tally.text(item)
        else:
            tally.anything({key: item})


def _count_field(name: str, value: object, tally: Tally) -> None:
    """Count a top-level field, which is JSON that nothing has decoded."""
    if isinstance(value, Raw | bytes):
        text = bytes(value).decode("utf-8", "replace")
        if name in _CHOICE_FIELDS and text.startswith("{"):
            tally.tokens += NAMED_TOOL
        tally.text(text)
    else:
        tally.anything(value)
