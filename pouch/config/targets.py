"""The section ``models``: what clients may ask for, and where it leads."""

from collections.abc import Collection

from pouch.config.document import Document
from pouch.config.resolved import ConfiguredModel
from pouch.config.validation import not_found, section_of


def read_models(document: Document, providers: Collection[str]) -> list[ConfiguredModel]:
    """The models that have no mistake; each must lead to one of ``providers``."""
    models: list[ConfiguredModel] = []
    for alias, target in section_of(document, "models").items():
        where = ("models", alias)
        if not isinstance(target, str):
            document.blame_value(where, "must be text, 'provider/model'")
            continue
        provider, _, model = target.partition("/")
        problem = _alias_problem(alias) or _target_problem(alias, provider, model)
        if problem:
            document.blame_value(where, problem)
        elif provider not in providers:
            document.blame_foreign(where, not_found("provider", provider, providers))
        else:
            models.append(ConfiguredModel(alias, provider, model))
    return models


def _alias_problem(alias: str) -> str | None:
    if not _is_name(alias):
        return "a model's name has no spaces or control characters, and is not empty"
    if "*" in alias[:-1]:
        return "'*' may stand only at the end of a model's name"
    return None


def _target_problem(alias: str, provider: str, model: str) -> str | None:
    if not (_is_name(provider) and _is_name(model)):
        return "must be 'provider/model'"
    if "*" in model[:-1]:
        return "'*' may stand only at the end of the model that it leads to"
    if alias.endswith("*") != model.endswith("*"):
        return "'*' must end both the name and the model that it leads to, or neither"
    return None


def _is_name(text: str) -> bool:
    return bool(text) and text.isprintable() and " " not in text
