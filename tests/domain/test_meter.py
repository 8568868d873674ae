"""What is kept of a stream, and how many tokens it is taken for before anyone counts."""

from pouch.domain.meter import RAW_BYTES_MAX, Meter

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'


def text_in(events: bytes) -> str:
    return "word" * events.count(EVENT)


def test_an_event_is_taken_for_a_token_before_and_after_its_text_is_taken_out() -> None:
    meter = Meter()
    events = 2 * RAW_BYTES_MAX // len(EVENT)
    for seen in range(1, events + 1):
        meter.keep(EVENT, text_in)
        assert meter.tokens_estimate == seen
    assert meter.relayed_text(text_in) == "word" * events


def test_a_long_text_in_few_events_is_taken_for_what_its_length_tells() -> None:
    meter = Meter()
    meter.keep(EVENT, text_in)
    assert meter.tokens_estimate == 1
    meter.relayed_text(lambda _: "x" * 400)
    assert meter.tokens_estimate == 100


def test_nothing_relayed_is_no_token() -> None:
    assert Meter().tokens_estimate == 0
