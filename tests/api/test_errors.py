import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pouch.api.errors import TABLE, body_of, describe, event_of, render
from pouch.domain import errors
from pouch.domain.money import Money


def classes(root: type[errors.PouchError]) -> Iterator[type[errors.PouchError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


def test_every_class_of_the_tree_has_a_row() -> None:
    assert set(classes(errors.PouchError)) - {errors.PouchError} == set(TABLE)


def test_every_class_of_the_tree_is_drawn_in_the_docstring() -> None:
    assert errors.__doc__ is not None
    for kind in classes(errors.PouchError):
        assert kind.__name__ in errors.__doc__


def test_no_two_classes_share_a_code() -> None:
    codes = [wire.code for wire in TABLE.values()]
    assert len(codes) == len(set(codes))


def test_an_error_is_shaped_like_openais() -> None:
    body = json.loads(body_of(errors.InvalidRequestError("No.", param="messages[0].role")))
    assert body == {
        "error": {
            "message": "No.",
            "type": "invalid_request_error",
            "code": "invalid_request_error",
            "param": "messages[0].role",
        }
    }


def test_an_error_can_be_a_server_sent_event() -> None:
    event = event_of(errors.UpstreamError("It broke off."))
    assert event.startswith(b'data: {"error":')
    assert event.endswith(b"\n\n")
    assert event.count(b"\n") == 2


def test_a_402_says_which_pouch_binds_and_what_would_have_fit() -> None:
    shortfall = errors.Shortfall(
        pouch_id="pch_1",
        pouch_name="team",
        limit=Money.usd("5"),
        spent=Money.usd("4.5"),
        reserved=Money.usd("0.25"),
        required=Money.usd("1.000000001"),
        resets_at=datetime(2026, 2, 1, tzinfo=UTC),
        largest_max_output_tokens=120,
    )
    status, headers, body = render(errors.BudgetExceededError(shortfall))
    assert status == 402
    assert headers["x-should-retry"] == "false"
    error = json.loads(body)["error"]
    assert error["code"] == "budget_exceeded"
    assert error["pouch"] == {"id": "pch_1", "name": "team"}
    assert (error["limit"], error["spent"], error["reserved"]) == ("5.00", "4.50", "0.25")
    assert error["required"] == "1.000000001"
    assert error["resets_at"] == "2026-02-01T00:00:00Z"
    assert error["largest_max_output_tokens"] == 120


def test_a_429_says_when_to_come_back() -> None:
    error = errors.RateLimitError(limit=60, per_s=60, retry_after_s=0.2)
    status, headers, _ = render(error)
    assert status == 429
    assert headers["retry-after"] == "1"
    assert headers["x-ratelimit-limit-requests"] == "60"


@pytest.mark.parametrize("kind", [errors.DrainingError, errors.StoreUnavailableError])
def test_a_503_says_when_to_come_back(kind: type[errors.UnavailableError]) -> None:
    status, headers, _ = render(kind("Later."))
    assert status == 503
    assert int(headers["retry-after"]) >= 1


def test_a_bug_shows_nothing_of_itself() -> None:
    status, _, body = render(KeyError("sk-secret"))
    assert status == 500
    assert b"secret" not in body
    assert describe(KeyError("x")) == (500, "internal_error")


def test_a_frozen_key_is_told_why_and_until_when() -> None:
    until = datetime(2026, 2, 1, tzinfo=UTC)
    status, _, body = render(errors.KeyFrozenError("agent", reason="too fast", until=until))
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (403, "key_frozen")
    assert (error["reason"], error["frozen_until"]) == ("too fast", "2026-02-01T00:00:00Z")
    assert "frozen until" in error["message"]
