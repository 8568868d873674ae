from collections.abc import Iterator

import pytest
import tiktoken

from pouch.infra.tokens import vocabulary
from pouch.infra.tokens.counter import Tokens


@pytest.fixture(scope="session")
def vocabularies() -> dict[str, tiktoken.Encoding]:
    return {name: vocabulary.load(name) for name in vocabulary.SPECIFICATIONS}


@pytest.fixture(scope="session")
def o200k(vocabularies: dict[str, tiktoken.Encoding]) -> tiktoken.Encoding:
    return vocabularies["o200k_base"]


@pytest.fixture(scope="session")
def tokens(vocabularies: dict[str, tiktoken.Encoding]) -> Iterator[Tokens]:
    counter = Tokens(vocabularies.__getitem__)
    yield counter
    counter.close()
