"""Names to plugins: the built-ins, installed entry points, and ``module:ATTRIBUTE`` paths.

A built-in's name means the built-in and nothing else, so an installed plugin that claims one stops
start-up. A third party's module is imported only when it is named.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Generic, Self, TypeVar

from pouch.domain.plugin import (
    AnyMiddlewarePlugin,
    AnyProviderPlugin,
    MiddlewarePlugin,
    ProviderPlugin,
)

P = TypeVar("P", bound=AnyMiddlewarePlugin | AnyProviderPlugin)

MIDDLEWARE_GROUP: Final = "pouch.middlewares"
PROVIDER_GROUP: Final = "pouch.providers"

_PATH: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class PluginNotFoundError(LookupError):
    """Nothing usable answers to this name."""


class PluginClashError(Exception):
    """An installed plugin claims the name of a built-in."""


class Registry(Generic[P]):
    """Finds plugins of one kind. ``noun`` is what messages call them."""

    def __init__(
        self, kind: type[P], builtin: Iterable[P], *, noun: str, installed: Iterable[EntryPoint]
    ) -> None:
        self._kind = kind
        self._noun = noun
        self._builtin = _by_name(builtin)
        self._installed = _by_entry_name(installed)
        if clash := sorted(self._builtin.keys() & self._installed.keys()):
            claims = [f"{name!r} ({', '.join(self._installed[name])})" for name in clash]
            raise PluginClashError(
                f"an installed {noun} claims the name of a built-in: {', '.join(claims)}"
            )

    def names(self) -> list[str]:
        """Every name that can be used without a module path, in order."""
        return sorted(self._builtin.keys() | self._installed.keys())

    def get(self, name: str) -> P:
        """The plugin called ``name``.

        Raises:
            PluginNotFoundError: there is none, it cannot be imported, or it is of another kind.
        """
        if name in self._builtin:
            return self._builtin[name]
        path = self._path_of(name)
        module, _, attribute = path.partition(":")
        try:
            found = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise PluginNotFoundError(f"cannot load {self._noun} {name!r}: {error}") from error
        if not isinstance(found, self._kind):
            raise PluginNotFoundError(
                f"{name!r} is not a {self._noun}: it is no {self._kind.__name__}"
            )
        return found

    def _path_of(self, name: str) -> str:
        """The ``module:ATTRIBUTE`` that a name which is not built in stands for."""
        paths = self._installed.get(name, ())
        if len(paths) > 1:
            raise PluginNotFoundError(
                f"more than one installed {self._noun} is called {name!r}: {', '.join(paths)}; "
                "name the one by its path"
            )
        if paths:
            return paths[0]
        if _PATH.fullmatch(name):
            return name
        known = self.names()
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PluginNotFoundError(f"no {self._noun} {name!r}; known: {', '.join(known)}{hint}")

    @classmethod
    def of(cls, kind: type[P], builtin: Iterable[P], *, noun: str, group: str) -> Self:
        """The registry of what is built in and what is installed under ``group``."""
        return cls(kind, builtin, noun=noun, installed=entry_points(group=group))


def middleware_registry(builtin: Iterable[AnyMiddlewarePlugin]) -> Registry[AnyMiddlewarePlugin]:
    """The middlewares that are built in and installed.

    Raises:
        PluginClashError: an installed one claims the name of a built-in.
    """
    return Registry.of(MiddlewarePlugin, builtin, noun="middleware", group=MIDDLEWARE_GROUP)


def provider_registry(builtin: Iterable[AnyProviderPlugin]) -> Registry[AnyProviderPlugin]:
    """The providers that are built in and installed.

    Raises:
        PluginClashError: an installed one claims the name of a built-in.
    """
    return Registry.of(ProviderPlugin, builtin, noun="provider", group=PROVIDER_GROUP)


def _by_name(plugins: Iterable[P]) -> Mapping[str, P]:
    listed = list(plugins)
    named = {plugin.name: plugin for plugin in listed}
    assert len(named) == len(listed), "two built-ins have one name"
    return named


def _by_entry_name(entries: Iterable[EntryPoint]) -> Mapping[str, Sequence[str]]:
    """The different paths that each name stands for; one package can be listed twice."""
    paths: dict[str, list[str]] = {}
    for entry in entries:
        path = f"{entry.module}:{entry.attr}"
        if path not in paths.setdefault(entry.name, []):
            paths[entry.name].append(path)
    return paths
