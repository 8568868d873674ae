"""The sections whose contents are plugins': ``providers`` and ``middlewares``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel

from pouch.config.document import Document, Where, child
from pouch.config.models import ProviderKeys, Section, StepKeys
from pouch.config.resolved import ConfiguredProvider, ConfiguredStep
from pouch.config.validation import mapping_at, section_of, validate
from pouch.domain.plugin import AnyMiddlewarePlugin, AnyProviderPlugin
from pouch.registry import PluginNotFoundError, Registry

P = TypeVar("P", bound=AnyMiddlewarePlugin | AnyProviderPlugin)
K = TypeVar("K", bound=Section)

_PROVIDER_NAME: Final = re.compile(r"[a-z0-9_-]{1,50}")


@dataclass(frozen=True, slots=True)
class DraftStep:
    """A step that may have mistakes: what is ``None`` could not be made out.

    Where it is not clear whether it is enabled, it is taken to be.
    """

    where: Where
    name: str | None
    use: str | None
    enabled: bool
    line: int
    plugin: AnyMiddlewarePlugin | None
    config: BaseModel | None

    @property
    def step(self) -> ConfiguredStep | None:
        """The step, if it has no mistake."""
        if self.name is None or self.use is None or self.plugin is None or self.config is None:
            return None
        return ConfiguredStep(
            self.name, self.use, self.plugin, self.config, self.enabled, self.line
        )


def read_providers(
    document: Document, registry: Registry[AnyProviderPlugin]
) -> list[ConfiguredProvider]:
    """The providers that have no mistake."""
    providers: list[ConfiguredProvider] = []
    for name, raw in section_of(document, "providers").items():
        where: Where = ("providers", name)
        if not _PROVIDER_NAME.fullmatch(name):
            document.blame(where, "a provider's name has a-z, 0-9, '_' and '-' only, at most 50")
        fields = mapping_at(document, raw, where)
        if fields is None:
            continue
        _, plugin = _plugin_of(document, ProviderKeys, registry, fields, where)
        config = _own_config(document, plugin, ProviderKeys, fields, where)
        if plugin is not None and config is not None:
            providers.append(ConfiguredProvider(name, plugin, config, plugin.off(config)))
    return providers


def read_steps(document: Document, registry: Registry[AnyMiddlewarePlugin]) -> list[DraftStep]:
    """Every step, outermost first.

    ``- budget_reset`` is short for ``- use: budget_reset``.
    """
    section = child(document.data, "middlewares")
    if section is not None and not isinstance(section, list):
        document.blame_value(("middlewares",), "must be a list of steps, each beginning with '-'")
        document.broken.add(("middlewares",))
        return []
    steps: list[DraftStep] = []
    for i, item in enumerate(section or []):
        where: Where = ("middlewares", i)
        fields = {"use": item} if isinstance(item, str) else mapping_at(document, item, where)
        if fields is None:
            document.broken.add(where)
        steps.append(_draft(document, registry, fields or {}, where))
    _blame_same_names(document, steps)
    return steps


def _draft(
    document: Document,
    registry: Registry[AnyMiddlewarePlugin],
    fields: Mapping[str, object],
    where: Where,
) -> DraftStep:
    keys, plugin = _plugin_of(document, StepKeys, registry, fields, where)
    config = _own_config(document, plugin, StepKeys, fields, where)
    name = None if keys is None else keys.name or keys.use
    enabled = keys is None or keys.enabled
    use = None if keys is None else keys.use
    return DraftStep(where, name, use, enabled, document.line_of(where), plugin, config)


def _blame_same_names(document: Document, steps: Iterable[DraftStep]) -> None:
    named: dict[str, Where] = {}
    for step in steps:
        if step.name is not None and named.setdefault(step.name, step.where) != step.where:
            first = named[step.name][-1]
            document.blame(
                (*step.where, "name"),
                f"the same as that of middlewares[{first}]; give one of them another 'name'",
            )


def _plugin_of(
    document: Document,
    model: type[K],
    registry: Registry[P],
    fields: Mapping[str, object],
    where: Where,
) -> tuple[K | None, P | None]:
    """The gateway's own keys of a plugin's entry, and the plugin that ``use`` names."""
    own = {key: value for key, value in fields.items() if key in model.model_fields}
    keys = validate(document, model, own, where)
    use = fields.get("use")
    if not isinstance(use, str):
        return keys, None
    place = (*where, "use")
    if isinstance(document.value_at(where), str):
        place = where
    if document.is_broken(place):
        return None, None
    try:
        return keys, registry.get(use)
    except PluginNotFoundError as error:
        document.blame_foreign(place, str(error))
        return keys, None


def _own_config(
    document: Document,
    plugin: AnyMiddlewarePlugin | AnyProviderPlugin | None,
    keys: type[Section],
    fields: Mapping[str, object],
    where: Where,
) -> BaseModel | None:
    """What is the plugin's of an entry, as the plugin's own model."""
    if plugin is None:
        return None
    model = plugin.config
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        document.blame(
            (*where, "use"), f"the config of plugin {plugin.name!r} is no pydantic model"
        )
        return None
    if taken := sorted(keys.model_fields.keys() & model.model_fields.keys()):
        document.blame(
            (*where, "use"),
            f"plugin {plugin.name!r} has config keys that are the gateway's: {', '.join(taken)}",
        )
        return None
    own = {key: value for key, value in fields.items() if key not in keys.model_fields}
    return validate(document, model, own, where, also_known=keys.model_fields)
