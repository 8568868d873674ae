"""Asking for a chat, and reading a refusal: what the tests of bad input share."""

from typing import Any

import httpx

HELLO = [{"role": "user", "content": "Hello"}]
ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": HELLO}


def ask(chat: httpx.Client, **fields: Any) -> httpx.Response:
    return chat.post("/chat/completions", json={**ASK, **fields})


def error_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(error) >= {"message", "type", "code", "param"}
    assert "Traceback" not in answer.text
    assert isinstance(error, dict)
    return error
