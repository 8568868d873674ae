"""``${NAME}`` and ``${NAME:-default}`` in a text; ``$$`` is a dollar.

As in a shell, ``:-`` also stands in for a variable that is set but empty. What comes out of the
environment is not expanded again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MARK: Final = re.compile(
    r"\$\$ | \$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\} | \$\{", re.VERBOSE
)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A text after expansion.

    ``happened`` says that it held a variable. ``secrets`` are the values that came out of the
    environment, which no message may show.
    """

    text: str
    happened: bool
    secrets: tuple[str, ...]
    problems: tuple[str, ...]


def expand(text: str, environ: Mapping[str, str]) -> Expansion:
    """Put the variables of ``environ`` into ``text``; what is wrong with it is in ``problems``."""
    secrets: list[str] = []
    problems: list[str] = []
    happened = False

    def replacement(match: re.Match[str]) -> str:
        nonlocal happened
        name, default = match["name"], match["default"]
        if name is None:
            if match[0] != "$$":
                problems.append("'${' begins no ${NAME} or ${NAME:-default}; write $${ for itself")
            return "$"
        happened = True
        value = environ.get(name)
        if default is not None and not value:
            if "${" in default:
                problems.append(f"the default of ${{{name}}} cannot hold another variable")
            return default.removeprefix(":-").replace("$$", "$")
        if value is None:
            problems.append(f"the environment variable {name} is not set and has no default")
            return ""
        if not is_text(value):
            problems.append(f"the environment variable {name} is not valid UTF-8")
        secrets.append(value)
        return value

    expanded = _MARK.sub(replacement, text)
    return Expansion(expanded, happened, tuple(secrets), tuple(problems))


def is_text(value: str) -> bool:
    """Whether ``value`` can be written as UTF-8: it holds no lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
