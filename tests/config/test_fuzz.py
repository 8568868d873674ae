"""Whatever the file holds, the answer is a configuration or a list of mistakes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pouch.config import Config, ConfigError
from tests.config.loading import SECRET, load_text


def words(text: str) -> list[str]:
    return text.split()


KEYS = words("""
    server store http settlement providers models pricing middlewares tables file use enabled
    name host port workers drain_s url allow_unmetered api_key base_url requests rules match free
    paid limit router reserve callback webhook_token input output max_output_tokens encoding
""")
TEXTS = words("""
    free paid limit reserve retry router open named schemaless free/m paid/* json:loads true 0.15
    -1 sqlite:///x ${SECRET} ${NOPE} ${PORT} x${SECRET} ${NOPE:-x}
""")

keys = st.sampled_from(KEYS) | st.text(max_size=5) | st.integers() | st.none() | st.booleans()
scalars = (
    st.sampled_from(TEXTS)
    | st.text(max_size=5)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.dates()
    | st.binary(max_size=5)
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
sections = st.fixed_dictionaries(
    {
        "providers": st.just({"free": {"use": "free"}, "shop": {"use": "paid", "api_key": "k"}})
        | st.dictionaries(keys, trees, max_size=3),
        "models": st.just({"m": "shop/m"}) | st.dictionaries(keys, trees, max_size=3),
    },
    optional={
        "server": trees,
        "store": trees,
        "http": trees,
        "settlement": trees,
        "pricing": trees
        | st.fixed_dictionaries({"tables": st.dictionaries(keys, trees, max_size=3)}),
        "middlewares": st.lists(
            trees
            | st.fixed_dictionaries(
                {"use": st.sampled_from(["limit", "router", "reserve", "retry"])},
                optional={"enabled": trees, "name": trees, "requests": trees, "rules": trees},
            ),
            max_size=4,
        ),
    },
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def outcome(text: str | bytes, folder: Path) -> Config | ConfigError:
    try:
        return load_text(text, folder)
    except ConfigError as error:
        return error


def assert_is_readable(error: ConfigError) -> None:
    lines = str(error).split("\n")
    assert len(lines) == len(error.mistakes)
    assert all(line.isprintable() for line in lines)
    str(error).encode()
    numbers = [mistake.line for mistake in error.mistakes]
    assert numbers == sorted(numbers)
    assert SECRET.casefold() not in str(error).casefold()


@given(text=st.text() | st.text(alphabet="{}[]:,-&*!|>'\"%@`#?<=~\\U\t\n \x85\u2028aF0$"))
@example(text='"\\UFFFFFFFF"')
@example(text="%YAML 1." + "9" * 5000 + "\n---\na: 1")
@example(text="!!int ''")
@example(text="!!bool x")
@example(text="a: !!float ''")
@example(text="port: " + "9" * 5000)
@example(text="a: 0x")
@example(text="server: {port: " + "9" * 400 + "}")
def test_no_text_brings_the_loader_down(text: str, folder: Path) -> None:
    found = outcome(text, folder)
    assert isinstance(found, ConfigError)
    assert_is_readable(found)


@given(content=st.binary())
def test_no_bytes_bring_the_loader_down(content: bytes, folder: Path) -> None:
    assert isinstance(outcome(content, folder), ConfigError)


@given(tree=trees)
def test_no_tree_brings_the_loader_down(tree: Any, folder: Path) -> None:
    found = outcome(yaml.safe_dump(tree), folder)
    assert isinstance(found, ConfigError)
    assert_is_readable(found)


@given(tree=sections)
def test_a_file_that_is_nearly_right_is_loaded_or_explained(tree: Any, folder: Path) -> None:
    found = outcome(yaml.safe_dump(tree), folder)
    if isinstance(found, ConfigError):
        assert_is_readable(found)
    else:
        reserving = [step for step in found.steps if step.enabled and step.plugin.reserves]
        assert reserving or not found.paid_models or found.server.allow_unmetered
