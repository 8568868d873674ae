"""Reads a YAML file into a ``Document``: plain values with their lines, variables expanded.

Only YAML that means one thing is taken: keys are text and given once, tags and merge keys are
refused, numbers are finite, ``1:30`` and dates are text. Size, depth and, since aliases can
multiply a small file, the number of values are limited.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml
from yaml.constructor import SafeConstructor

from pouch.config.document import Document, Where, shown
from pouch.config.expansion import expand, is_text

FILE_BYTES_MAX: Final = 1024 * 1024
DEPTH_MAX: Final = 30
VALUES_MAX: Final = 100_000

_TAG: Final = "tag:yaml.org,2002:"
_TEXT: Final = frozenset(_TAG + kind for kind in ("str", "timestamp", "value", "merge"))
_MERGE: Final = _TAG + "merge"
_TOO_DEEP: Final = f"nested more than {DEPTH_MAX} deep"


def read(path: Path, name: str, environ: Mapping[str, str]) -> Document:
    """The file at ``path``, which messages call ``name``. What is wrong is in its mistakes."""
    document = Document(name)
    text = _text_of(path, document)
    root = None if text is None else _compose(text, document)
    if root is not None:
        try:
            document.data = _Reading(document, environ).value(root, ())
        except _TooLargeError as error:
            document.break_at((), str(error), line=error.line)
    return document


def reason_unreadable(path: Path) -> str | None:
    """Why ``path`` cannot be opened for reading; ``None`` if it can."""
    try:
        with path.open("rb"):
            return None
    except (OSError, ValueError) as error:
        return _reason(error)


def _text_of(path: Path, document: Document) -> str | None:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        document.break_at((), f"cannot be read: {_reason(error)}")
        return None
    if len(content) > FILE_BYTES_MAX:
        document.break_at((), f"is larger than {FILE_BYTES_MAX} bytes")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.break_at((), "is not UTF-8", line=line)
        return None
    # JSON may be indented with tabs, which YAML refuses; inside a JSON text there can be none.
    return text.replace("\t", " ") if path.suffix == ".json" else text


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "not a path"


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses a depth at which Python's stack would give out."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=self.get_mark())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _compose(text: str, document: Document) -> yaml.Node | None:
    """The tree of ``text``; ``None``, and a mistake, if it is not YAML or is empty."""
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = "not YAML: a control character"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = _syntax_message(error)
    except (ValueError, OverflowError):
        # PyYAML lets these out of a malformed escape such as "\UFFFFFFFF", or a directive.
        line = loader.line + 1 if loader else 1
        message = "not YAML: a malformed escape or directive"
    else:
        if root is None:
            document.break_at((), "is empty")
        return root
    finally:
        if loader:
            loader.dispose()
    document.break_at((), message, line=line)
    return None


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unreadable"
    if "'\\t'" in problem:
        return "not YAML: a tab where only spaces may indent"
    if "alias" in problem or "anchor" in problem or "tag" in problem:
        # PyYAML quotes the name, which may be a secret that lacks its quotes.
        return "not YAML: text that begins with '*', '&' or '!' needs quotes"
    if "another document" in problem:
        return "holds more than one document; a second one begins here"
    return f"not YAML: {error.context}, {problem}" if error.context else f"not YAML: {problem}"


class _TooLargeError(Exception):
    """Aliases multiply the file beyond a limit, which is reached at ``node``."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(message)
        self.line = node.start_mark.line + 1


class _Reading:
    """Turns nodes into values, and notes in the document where each stands."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._values = 0
        self._numbers = SafeConstructor()

    def value(self, node: yaml.Node, where: Where) -> object:
        """The value of ``node``, which stands at ``where``."""
        self._values += 1
        if self._values > VALUES_MAX:
            raise _TooLargeError(f"more than {VALUES_MAX} values, counting aliases", node)
        if len(where) > DEPTH_MAX:
            raise _TooLargeError(f"{_TOO_DEEP}, counting aliases", node)
        self._document.lines.setdefault(where, node.start_mark.line + 1)
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.value(item, (*where, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, where)
        self._refuse_tag(where)
        return None

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            problem = _key_problem(key_node)
            if problem:
                self._document.blame(where, problem, line=line)
                if key_node.tag == _MERGE:
                    self._document.broken.add(where)
                continue
            key = key_node.value
            place = (*where, key)
            if key in values:
                first = self._document.lines[place]
                self._document.blame(place, f"given twice; first on line {first}", line=line)
                continue
            self._document.lines[place] = line
            values[key] = self.value(value_node, place)
        return values

    def _scalar(self, node: yaml.ScalarNode, where: Where) -> object:
        kind = node.tag.removeprefix(_TAG)
        text: str = node.value
        if node.tag in _TEXT or (kind in {"int", "float"} and ":" in text):
            return self._text(text, where)
        if kind == "null":
            return None
        if kind not in {"bool", "int", "float"}:
            self._refuse_tag(where)
            return None
        try:
            return self._plain(node, kind)
        except (ValueError, IndexError, KeyError):
            wanted = "true or false" if kind == "bool" else "a finite number"
            self._document.break_at(where, f"must be {wanted}")
            return None

    def _plain(self, node: yaml.ScalarNode, kind: str) -> bool | int | float:
        """A bool or a number; one of the errors above if it is malformed or infinite."""
        if kind == "bool":
            return SafeConstructor.bool_values[node.value.lower()]
        if kind == "int":
            return self._numbers.construct_yaml_int(node)
        number = self._numbers.construct_yaml_float(node)
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return number

    def _text(self, text: str, where: Where) -> str:
        if not is_text(text):
            self._document.break_at(where, "holds half a character (a lone surrogate)")
        expansion = expand(text, self._environ)
        if expansion.happened:
            self._document.expanded[where] = (expansion.text, *expansion.secrets)
        for problem in expansion.problems:
            self._document.blame(where, problem)
        if expansion.problems:
            self._document.broken.add(where)
        return expansion.text

    def _refuse_tag(self, where: Where) -> None:
        self._document.break_at(
            where, "a tag is not allowed; text that begins with '!' needs quotes"
        )


def _key_problem(node: yaml.Node) -> str | None:
    """Why ``node`` cannot be a key; ``None`` if it can."""
    if not isinstance(node, yaml.ScalarNode):
        return "a key must be text, not a list or a mapping"
    text: str = node.value
    if node.tag == _MERGE:
        return "merge keys ('<<') are not supported; write the keys out"
    if node.tag not in _TEXT:
        return f"a key must be text; put it in quotes (got {shown(text)})"
    if not is_text(text):
        return "a key holds half a character (a lone surrogate)"
    if "${" in text:
        return "variables are not expanded in keys"
    return None
