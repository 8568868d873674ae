"""The headers of a relayed answer as bytes, all at once, against one by one."""

from hypothesis import given
from hypothesis import strategies as st
from sanic import HTTPResponse

from pouch.api.relayed import Relayed

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
# What a provider may send: any byte, as the parser of its head decodes it.
VALUES = st.text(st.characters(max_codepoint=255) | st.sampled_from("\r\n\0"), max_size=12)


@given(headers=st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5))
def test_each_header_is_encoded_as_sanic_would_and_stays_in_its_line(
    headers: list[tuple[str, str]],
) -> None:
    together = list(Relayed(200, headers).processed_headers)
    assert len(together) == len(headers)
    for relayed, (name, value) in zip(together, headers, strict=True):
        by_sanic = HTTPResponse(headers={name: value}, content_type="text/plain")
        assert relayed == next(iter(by_sanic.processed_headers))
        assert not set(b"\r\n\0") & set(relayed[0] + relayed[1])


def test_what_sanic_adds_comes_last() -> None:
    answer = Relayed(200, [("x-request-id", "req_1")])
    answer.headers["content-length"] = 7
    expected = [(b"x-request-id", b"req_1"), (b"content-length", b"7")]
    assert list(answer.processed_headers) == expected
