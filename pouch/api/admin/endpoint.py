"""One route of the administration API, and how it reads a request and writes an answer.

The blueprint and the OpenAPI document are both made from the same list of endpoints.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from sanic import HTTPResponse, Request

from pouch.domain.errors import BodyTooLargeError, InvalidRequestError

BODY_BYTES_MAX: Final = 64 * 1024
# A body can be wrong in as many places as it has bytes; nobody reads more than these.
PROBLEMS_MAX: Final = 5
_PROBLEM_LENGTH_MAX: Final = 300
# Answers can hold secrets and balances: no cache may keep them.
_HEADERS: Final = {"cache-control": "no-store"}

M = TypeVar("M", bound=BaseModel)
# ``None`` of a handler that has streamed its answer.
Handle: TypeAlias = Callable[..., Coroutine[Any, Any, HTTPResponse | None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``path`` is below ``/api``, with parameters in braces; ``answer`` is ``None`` for 204.

    ``open`` says that no administrator has to ask; ``media`` is the type of an answer in text.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handle
    answer: type[BaseModel] | None
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    open: bool = False
    media: str | None = None


def answer(content: BaseModel, status: int = 200) -> HTTPResponse:
    """A JSON answer."""
    body = content.model_dump_json(by_alias=True)
    return HTTPResponse(body, status, _HEADERS, "application/json")


def no_content() -> HTTPResponse:
    """Done, and nothing to say."""
    return HTTPResponse(status=204, headers=_HEADERS)


def read_body(request: Request, model: type[M], *, optional: bool = False) -> M:
    """The body as ``model``; with ``optional`` an empty one is an empty object.

    Raises:
        InvalidRequestError: it is not JSON, or not what ``model`` takes.
    """
    body: bytes = request.body
    if len(body) > BODY_BYTES_MAX:
        raise BodyTooLargeError(f"The body may have at most {BODY_BYTES_MAX} bytes.")
    if not body and not optional:
        raise InvalidRequestError("The body must be a JSON object; it is empty.")
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise _refusal(error) from error


def read_query(request: Request, model: type[M]) -> M:
    """The query string as ``model``.

    Raises:
        InvalidRequestError: a parameter is unknown, wrong or given twice.
    """
    sent: dict[str, list[str]] = dict(request.get_args(keep_blank_values=True))
    for name, values in sent.items():
        if len(values) > 1:
            raise InvalidRequestError(f"{name[:64]} is given twice", param=name[:64])
    try:
        return model.model_validate_strings({name: values[0] for name, values in sent.items()})
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> InvalidRequestError:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    told = []
    for problem in problems[:PROBLEMS_MAX]:
        param = _dotted(problem["loc"])
        message = _WORDS.get(problem["type"], problem["msg"])
        told.append(f"{param}: {message}" if param else message)
    if len(problems) > PROBLEMS_MAX:
        told.append(f"and {len(problems) - PROBLEMS_MAX} more")
    return InvalidRequestError("; ".join(told), param=_dotted(problems[0]["loc"]))


_WORDS: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "this field is required",
    "model_type": "must be a JSON object",
}


def _dotted(place: tuple[int | str, ...]) -> str | None:
    """``budget.period.seconds``; the alternatives of a union (":seconds") are left out."""
    parts = [str(part) for part in place if not str(part).startswith(":")]
    return ".".join(parts)[:_PROBLEM_LENGTH_MAX] or None
