"""OpenAI's two published vocabularies, from the package's own data files.

The network and tiktoken's cache are never touched: a file that is not what it was packed from is
an error, not a reason to fetch another. ``tools/vocab.py`` writes the files and knows their format.
"""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import tiktoken

DATA: Final = Path(__file__).parent / "data"


class VocabularyError(Exception):
    """A vocabulary's file is missing, or is not what was shipped."""


@dataclass(frozen=True, slots=True)
class Specification:
    """What tiktoken needs beside the tokens; ``sha256`` is that of the file's content, unpacked.

    Equal to tiktoken's own, which a test asserts.
    """

    sha256: str
    pattern: str
    special_tokens: Mapping[str, int]


_CONTRACTION: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER: Final = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER: Final = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"

SPECIFICATIONS: Final[Mapping[str, Specification]] = MappingProxyType(
    {
        "cl100k_base": Specification(
            sha256="6bfd43f7b31b50b645b3228413547e662af1ae4801e9b192b9791680a71d650c",
            pattern=(
                r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
                r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
            ),
            special_tokens={
                "<|endoftext|>": 100257,
                "<|fim_prefix|>": 100258,
                "<|fim_middle|>": 100259,
                "<|fim_suffix|>": 100260,
                "<|endofprompt|>": 100276,
            },
        ),
        "o200k_base": Specification(
            sha256="bac143fe7fe950090c6e4ed9a2f80de5412a92495758b52becbbe5a7eea25ecb",
            pattern="|".join(
                [
                    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTION}",
                    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTION}",
                    r"\p{N}{1,3}",
                    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                    r"\s*[\r\n]+",
                    r"\s+(?!\S)",
                    r"\s+",
                ]
            ),
            special_tokens={"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
        ),
    }
)


@cache
def load(name: str, folder: Path = DATA) -> tiktoken.Encoding:
    """Build the encoding called ``name``, a key of ``SPECIFICATIONS``; once, for it never changes.

    Takes 0.1 to 0.3 s, of which the last half is one call that does not let other threads run.

    Raises:
        VocabularyError: its file is missing, unreadable or corrupt.
    """
    specification = SPECIFICATIONS[name]
    return tiktoken.Encoding(
        name,
        pat_str=specification.pattern,
        mergeable_ranks=ranks_in(content_of(folder / f"{name}.gz", specification.sha256)),
        special_tokens=dict(specification.special_tokens),
    )


def content_of(path: Path, sha256: str) -> bytes:
    """What the file at ``path`` holds, unpacked.

    Raises:
        VocabularyError: it is missing, unreadable, or its content's hash is not ``sha256``.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise VocabularyError(f"The vocabulary {path} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise VocabularyError(
            f"The vocabulary {path} is not the file that was shipped; reinstall the package."
        )
    return content


def ranks_in(content: bytes) -> dict[bytes, int]:
    """The tokens with their ranks: each is one byte of length and its bytes, in order of rank."""
    ranks: dict[bytes, int] = {}
    position, end = 0, len(content)
    while position < end:
        token_end = position + 1 + content[position]
        ranks[content[position + 1 : token_end]] = len(ranks)
        position = token_end
    return ranks
