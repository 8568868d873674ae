"""A YAML file that was read: its values, the line of each, and what is wrong with them.

A mistake's text never shows a value that came out of the environment, nor one under a key that is
named like a secret.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Where: TypeAlias = tuple[str | int, ...]
"""The way from the root of a file to a value: keys and indexes."""

SHOWN_LENGTH_MAX: Final = 60

_SIMPLE_KEY: Final = re.compile(r"[^\s\[\]\"'\\]+")
_SECRET_NAME: Final = re.compile(
    r"(^|[_.-])(api_?key|key|token|secret|password|passwd|passphrase|credentials?|authorization"
    r"|bearer|cookie|headers?|webhooks)($|[_.-])",
    re.IGNORECASE,
)
# Values that are secrets wherever they stand: a key in the wrong place, a URL with a password.
_SECRET_LOOK: Final = re.compile(r"sk-|pouch-|bearer |://[^/]*@|password=", re.IGNORECASE)


class ConfigError(Exception):
    """The configuration is wrong. ``str(error)`` is what the operator reads: a line a mistake."""

    def __init__(self, mistakes: Sequence["Mistake"]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, with its address."""

    file: str
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.where}: {self.message}"


@dataclass(slots=True)
class Document:
    """``name`` is how messages call the file. ``data`` holds only None, bool, int, float, str,
    list and dict with text keys.

    ``expanded`` has, for each text that held a variable, what no message may show. Below a place
    in ``broken`` nothing more is reported.
    """

    name: str
    data: object = None
    lines: dict[Where, int] = field(default_factory=dict)
    expanded: dict[Where, tuple[str, ...]] = field(default_factory=dict)
    broken: set[Where] = field(default_factory=set)
    _mistakes: list[Mistake] = field(default_factory=list)

    @property
    def mistakes(self) -> list[Mistake]:
        """What is wrong, by line; each mistake once."""
        return sorted(dict.fromkeys(self._mistakes), key=lambda mistake: mistake.line)

    def line_of(self, where: Where) -> int:
        """The line of the nearest thing around ``where`` that is in the file."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def blame(self, where: Where, message: str, *, line: int | None = None) -> None:
        """Report a mistake, on the line of ``where`` if no other is given."""
        if self.is_broken(where):
            return
        text = "".join(
            character if character.isprintable() else repr(character)[1:-1]
            for character in " ".join(message.split())
        )
        self._mistakes.append(Mistake(self.name, line or self.line_of(where), dotted(where), text))

    def blame_value(self, where: Where, message: str) -> None:
        """Report a mistake in a value, and show the value if it may be shown."""
        value = self.value_at(where)
        if isinstance(value, dict | list) or self.is_hidden(where):
            self.blame(where, message)
        else:
            self.blame(where, f"{message} (got {shown(value)})")

    def blame_foreign(self, where: Where, message: str) -> None:
        """Report a mistake in words of others, unless they repeat what must not be shown."""
        said = message.casefold()
        for secret in self._secrets_below(where):
            forms = {secret.casefold(), secret.strip().casefold(), repr(secret)[1:-1].casefold()}
            if any(form in said for form in forms - {""}):
                self.blame(where, "is not valid; its value is not shown")
                return
        self.blame(where, message)

    def break_at(self, where: Where, message: str, *, line: int | None = None) -> None:
        """Report a mistake that leaves no value to look at."""
        self.blame(where, message, line=line)
        self.broken.add(where)

    def is_hidden(self, where: Where) -> bool:
        """Whether the value at ``where`` must not be shown."""
        if where in self.expanded:
            return True
        if any(isinstance(part, str) and _SECRET_NAME.search(part) for part in where):
            return True
        value = self.value_at(where)
        return isinstance(value, str) and _SECRET_LOOK.search(value) is not None

    def is_broken(self, where: Where) -> bool:
        """Whether nothing can be said of ``where``, which has been reported."""
        return any(where[:length] in self.broken for length in range(len(where) + 1))

    def value_at(self, where: Where) -> object:
        """The value at ``where``; ``None`` if there is none."""
        value = self.data
        for part in where:
            value = child(value, part)
        return value

    def _secrets_below(self, where: Where) -> Iterator[str]:
        depth = len(where)
        for place, values in self.expanded.items():
            if place[:depth] == where:
                yield from values
        for place in self.lines:
            if place[:depth] == where and self.is_hidden(place):
                value = self.value_at(place)
                if isinstance(value, str):
                    yield value


def child(value: object, part: str | int) -> object:
    """What ``value`` holds under a key or an index; ``None`` if nothing."""
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return None


def dotted(where: Where) -> str:
    """``middlewares[1].use``; the root is ``file``."""
    parts = []
    for part in where:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif part.isprintable() and len(part) <= SHOWN_LENGTH_MAX and _SIMPLE_KEY.fullmatch(part):
            parts.append(f".{part}")
        else:
            parts.append(f"[{shown(part)}]")
    return "".join(parts).lstrip(".") or "file"


def shown(value: object) -> str:
    """``value`` as a message shows it: as YAML would write it, cut where it is long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > SHOWN_LENGTH_MAX:
        return "a very large number"
    text = repr(value)
    return text if len(text) <= SHOWN_LENGTH_MAX else f"{text[: SHOWN_LENGTH_MAX - 4]}...{text[-1]}"
