import base64
import gzip
import hashlib
import shutil
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
import tiktoken
from tiktoken_ext import openai_public  # type: ignore[import-untyped]

from pouch.infra.tokens.vocabulary import (
    DATA,
    SPECIFICATIONS,
    VocabularyError,
    content_of,
    load,
    ranks_in,
)

NAMES = sorted(SPECIFICATIONS)

# Made with tiktoken itself and the published files.
GOLDEN = {
    "cl100k_base": {
        "hello world": [15339, 1917],
        "": [],
        " ": [220],
        "I'll pay $1,234.50.": [40, 3358, 2343, 400, 16, 11, 11727, 13, 1135, 13],
        "你好世界": [57668, 53901, 3574, 244, 98220],
        "<|endoftext|>": [27, 91, 8862, 728, 428, 91, 29],
    },
    "o200k_base": {
        "hello world": [24912, 2375],
        "": [],
        " ": [220],
        "I'll pay $1,234.50.": [67504, 2777, 548, 16, 11, 20771, 13, 1434, 13],
        "你好世界": [177519, 28428],
        "<|endoftext|>": [27, 91, 419, 1440, 919, 91, 29],
    },
}


def published(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[dict[str, Any], str]:
    """What tiktoken would build the encoding from, and the hash that it pins its file by."""
    pinned: list[str] = []

    def remember(_url: str, expected_hash: str) -> dict[bytes, int]:
        pinned.append(expected_hash)
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", remember)
    return openai_public.ENCODING_CONSTRUCTORS[name](), pinned[0]


@pytest.mark.parametrize("name", NAMES)
def test_pattern_and_special_tokens_are_tiktokens_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, _ = published(monkeypatch, name)
    assert SPECIFICATIONS[name].pattern == theirs["pat_str"]
    assert SPECIFICATIONS[name].special_tokens == theirs["special_tokens"]


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_file_unpacks_to_the_file_that_tiktoken_pins(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pinned = published(monkeypatch, name)
    ranks = ranks_in(content_of(DATA / f"{name}.gz", SPECIFICATIONS[name].sha256))
    lines = (b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ranks.items())
    assert hashlib.sha256(b"".join(lines)).hexdigest() == pinned


@pytest.mark.parametrize("name", NAMES)
def test_known_texts_become_known_tokens(
    name: str, vocabularies: dict[str, tiktoken.Encoding]
) -> None:
    encoding = vocabularies[name]
    assert {text: encoding.encode_ordinary(text) for text in GOLDEN[name]} == GOLDEN[name]


def test_loading_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/nonexistent")
    assert load("cl100k_base").encode_ordinary("hello world") == [15339, 1917]


def damaged(folder: Path, how: str) -> None:
    path = folder / "cl100k_base.gz"
    shutil.copy(DATA / path.name, path)
    good = path.read_bytes()
    match how:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(good[: len(good) // 2])
        case "a flipped bit":
            middle = len(good) // 2
            path.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
        case "another file's content":
            path.write_bytes(gzip.compress(b"\x01a\x01b"))


@pytest.mark.parametrize(
    "how", ["missing", "empty", "truncated", "a flipped bit", "another file's content"]
)
def test_a_damaged_file_is_an_error_that_names_it(how: str, tmp_path: Path) -> None:
    damaged(tmp_path, how)
    with pytest.raises(VocabularyError, match=r"cl100k_base\.gz"):
        load("cl100k_base", tmp_path)
