from pathlib import Path

import pytest

from pouch.config import ConfigError
from pouch.config.source import FILE_BYTES_MAX, VALUES_MAX, read
from tests.config.loading import MINIMAL, load_file, load_text, mistakes_in


def test_a_missing_file_is_a_mistake_with_an_address(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_file(tmp_path / "pouch.yaml")
    expected = f"{tmp_path}/pouch.yaml:1: file: cannot be read: No such file or directory"
    assert str(caught.value) == expected


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        (tmp_path / "pouch.yaml").mkdir()
        load_file(tmp_path / "pouch.yaml")


def test_a_file_that_is_not_utf_8_is_refused_at_the_line_where_it_is_not(tmp_path: Path) -> None:
    text = MINIMAL.encode() + "server: {host: café}\n".encode("latin-1")
    assert mistakes_in(text, tmp_path) == "pouch.yaml:3: file: is not UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load_text(b"\xef\xbb\xbf" + MINIMAL.encode(), tmp_path).models[0].alias == "m"


def test_windows_line_ends_count_as_one_line_each(tmp_path: Path) -> None:
    text = (MINIMAL + "server: {port: x}\n").replace("\n", "\r\n")
    assert mistakes_in(text, tmp_path).startswith("pouch.yaml:3: server.port:")


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    text = MINIMAL + "#" * FILE_BYTES_MAX
    assert mistakes_in(text, tmp_path) == "pouch.yaml:1: file: is larger than 1048576 bytes"


def test_a_billion_laughs_are_cut_short(tmp_path: Path) -> None:
    more = (f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))
    text = "\n".join(["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]", *more])
    found = mistakes_in(text, tmp_path)
    assert found == f"pouch.yaml:1: file: more than {VALUES_MAX} values, counting aliases"


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 20_000, "- " * 20_000, "? " * 20_000])
def test_a_tower_of_brackets_does_not_topple_the_stack(text: str, tmp_path: Path) -> None:
    assert "nested more than 30 deep" in mistakes_in(text, tmp_path)


def test_an_alias_repeats_a_value(tmp_path: Path) -> None:
    text = MINIMAL + "http: {read_s: &s 7, write_s: *s}\n"
    assert load_text(text, tmp_path).http.write_s == 7


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("33_554_432", 33554432),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("=", "="),
        ("'12'", "12"),
        ("!!str 12", "12"),
    ],
)
def test_only_what_means_one_thing_is_not_text(written: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"key: {written}")
    document = read(path, "a.yaml", {})
    assert document.mistakes == []
    found = document.value_at(("key",))
    assert found == value
    assert type(found) is type(value)
