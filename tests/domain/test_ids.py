from pouch.domain.ids import new_id

MOMENT_MS = 1_768_478_400_000


def test_an_id_is_its_prefix_and_26_characters_that_cannot_be_misread() -> None:
    made = new_id("key", MOMENT_MS)

    prefix, _, rest = made.partition("_")
    assert prefix == "key"
    assert len(rest) == 26
    assert set(rest) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id("key", MOMENT_MS + 86_400_000 * day) for day in range(1, 400)]

    assert made == sorted(made)


def test_ids_of_one_millisecond_sort_in_the_order_they_were_made() -> None:
    made = [new_id("key", MOMENT_MS) for _ in range(10_000)]

    assert made == sorted(set(made))


def test_ids_go_on_rising_when_the_clock_goes_back() -> None:
    first = new_id("key", MOMENT_MS)
    second = new_id("key", MOMENT_MS - 3_600_000)

    assert second > first
