"""Each file in ``mistakes/`` is a configuration, a line of dashes, and what the operator reads."""

from pathlib import Path

import pytest

from tests.config.loading import SECRET, mistakes_in

FILES = sorted((Path(__file__).parent / "mistakes").glob("*.txt"))
DASHES = "-" * 20 + "\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_mistake_is_reported_at_once_with_its_line(file: Path, tmp_path: Path) -> None:
    text, expected = file.read_text(encoding="utf-8").split(DASHES)
    found = mistakes_in(text, tmp_path)
    assert found == expected.rstrip("\n")


def test_there_are_mistakes_to_test() -> None:
    assert len(FILES) >= 60


def test_no_expected_text_shows_a_secret() -> None:
    for file in FILES:
        expected = file.read_text(encoding="utf-8").split(DASHES)[1]
        assert SECRET.casefold() not in expected.casefold(), file.name
        assert "literal" not in expected.casefold(), file.name
        assert "password" not in expected, file.name
