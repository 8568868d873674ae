"""What a client may call a request, and when two requests are the same."""

import pytest

from pouch.domain.errors import InvalidRequestError
from pouch.domain.idempotency import fingerprint_of, name_of


def test_a_request_without_the_header_has_no_name() -> None:
    assert name_of([]) is None


@pytest.mark.parametrize("name", ["a", "~!", "x" * 255])
def test_a_name_is_visible_ascii(name: str) -> None:
    assert name_of([name]) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a\t", "\x7f", "é", "x" * 256])
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 255 visible ASCII") as refusal:
        name_of([name])
    assert refusal.value.param == "idempotency-key"


def test_two_names_are_refused_even_if_they_are_equal() -> None:
    with pytest.raises(InvalidRequestError, match="once"):
        name_of(["a", "a"])


def test_the_fingerprint_differs_by_endpoint_and_by_any_byte() -> None:
    prints = {
        fingerprint_of("/v1/a", b"{}"),
        fingerprint_of("/v1/b", b"{}"),
        fingerprint_of("/v1/a", b"{ }"),
    }
    assert len(prints) == 3
    assert fingerprint_of("/v1/a", b"{}") in prints
