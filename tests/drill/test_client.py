"""What a client would take for a whole answer."""

import json

import pytest

from pouch.drill.client import Answer

DONE = b"c\r\ndata: [DONE]\n\n\r\n"
LAST = b"0\r\n\r\n"
TEXT = b'1c\r\ndata: {"choices":[{"delta":1}]}\n\n\r\n'


def stream(*parts: bytes) -> Answer:
    headers = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    return Answer(200, headers, b"".join(parts))


def document(content: object, *, missing: int = 0) -> Answer:
    raw = json.dumps(content).encode()
    headers = {"content-type": "application/json", "content-length": str(len(raw))}
    return Answer(200, headers, raw[: len(raw) - missing])


def test_a_stream_is_whole_with_its_mark_and_the_end_of_its_transfer() -> None:
    assert stream(TEXT, DONE, LAST).looks_whole


@pytest.mark.parametrize(
    "answer",
    [
        stream(TEXT, DONE),
        stream(TEXT, LAST),
        stream(TEXT, b'data: {"error": {}}\n\n', DONE, LAST),
        document({"choices": []}, missing=1),
        document({"error": {"code": "x"}}),
        Answer(502, {"content-length": "2"}, b"{}"),
        Answer(),
    ],
)
def test_anything_less_is_not(answer: Answer) -> None:
    assert not answer.looks_whole


def test_a_client_that_hung_up_has_no_whole_answer() -> None:
    answer = document({"choices": []})
    assert answer.looks_whole
    answer.hung_up = True
    assert not answer.looks_whole


def test_usage_is_read_from_documents_and_from_streams() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    event = b"data: " + json.dumps({"usage": usage}, separators=(",", ":")).encode() + b"\n\n"
    assert document({"choices": [], "usage": usage}).usage == (3, 4)
    assert stream(TEXT, b"30\r\n", event, DONE, LAST).usage == (3, 4)
    assert document({"choices": [], "usage": {"prompt_tokens": -1}}).usage is None
    assert document({"choices": []}).usage is None


def test_the_code_of_a_refusal_is_read() -> None:
    assert document({"error": {"code": "budget_exceeded"}}).error == "budget_exceeded"
    assert document({"choices": []}).error is None
