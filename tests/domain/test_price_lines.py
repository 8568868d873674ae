"""The lines that an unpriced model is refused with can be pasted as they are."""

import pytest
import yaml

from pouch.domain.price_lines import lines_to_price


@pytest.mark.parametrize("model", ["gpt-4o", "org/model:free", 'quo"ted', "back\\slash", "#: {x}"])
def test_the_lines_are_the_yaml_of_a_table_entry(model: str) -> None:
    pasted = yaml.safe_load(lines_to_price("openai", model))
    assert pasted["pricing"]["tables"]["openai"].keys() == {model}


def test_amounts_are_left_for_the_operator_to_fill_in() -> None:
    entry = yaml.safe_load(lines_to_price("openai", "x"))["pricing"]["tables"]["openai"]["x"]
    assert (entry["input"], entry["output"]) == ("?", "?")
