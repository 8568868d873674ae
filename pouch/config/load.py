"""``pouch.yaml`` -> ``Config``, or every mistake in it at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pouch.config.alerts import Alerts
from pouch.config.checks import check_chain
from pouch.config.document import ConfigError, Document, child
from pouch.config.models import Http, Idempotency, Server, Settlement
from pouch.config.plugins import read_providers, read_steps
from pouch.config.prices import price_tables
from pouch.config.resolved import Config
from pouch.config.source import read
from pouch.config.store import StoreSection
from pouch.config.targets import read_models
from pouch.config.validation import mapping_at, section_of, unknown_key, validate
from pouch.domain.plugin import AnyMiddlewarePlugin, AnyProviderPlugin
from pouch.registry import Registry

SECTIONS: Final = (
    "server",
    "store",
    "http",
    "settlement",
    "idempotency",
    "alerts",
    "providers",
    "models",
    "pricing",
    "middlewares",
)
REQUIRED: Final = ("providers", "models")


def load(
    path: Path,
    middlewares: Registry[AnyMiddlewarePlugin],
    providers: Registry[AnyProviderPlugin],
    environ: Mapping[str, str],
) -> Config:
    """Read, resolve and check the file at ``path``.

    Raises:
        ConfigError: with every mistake, by line, each as ``FILE:LINE: where: what``.
    """
    document = read(path, str(path), environ)
    root = mapping_at(document, document.data, ())
    if root is None:
        raise ConfigError(document.mistakes)
    _check_sections(document, root)

    folder = path.absolute().parent
    server = validate(document, Server, section_of(document, "server"), ("server",))
    store = validate(document, StoreSection, section_of(document, "store"), ("store",))
    http = validate(document, Http, section_of(document, "http"), ("http",))
    settlement = validate(document, Settlement, section_of(document, "settlement"), ("settlement",))
    idempotency = validate(
        document, Idempotency, section_of(document, "idempotency"), ("idempotency",)
    )
    alerts = validate(document, Alerts, section_of(document, "alerts"), ("alerts",))
    declared = section_of(document, "providers")
    found = read_providers(document, providers)
    models = read_models(document, declared)
    tables, price_file = price_tables(document, declared, environ, folder=folder)
    drafts = read_steps(document, middlewares)
    check_chain(document, drafts, found, allow_unmetered=_allows_unmetered(document, server))

    mistakes = document.mistakes + (price_file.mistakes if price_file else [])
    if mistakes:
        raise ConfigError(mistakes)
    assert server is not None
    assert store is not None
    assert http is not None
    assert settlement is not None
    assert idempotency is not None
    assert alerts is not None
    return Config(
        path=path,
        server=server,
        store=store.resolved(folder),
        http=http,
        settlement=settlement,
        idempotency=idempotency,
        alerts=alerts,
        providers=tuple(found),
        models=tuple(models),
        price_tables=tuple(tables),
        steps=tuple(step for draft in drafts if (step := draft.step)),
    )


def _check_sections(document: Document, root: Mapping[str, object]) -> None:
    for key in root:
        if key not in SECTIONS:
            document.blame((key,), unknown_key(key, SECTIONS))
    for key in REQUIRED:
        if root.get(key) is None:
            document.blame((key,), "required")


def _allows_unmetered(document: Document, server: Server | None) -> bool:
    """What the file says, even where another mistake in the section hides the rest."""
    if server is not None:
        return server.allow_unmetered
    return child(child(document.data, "server"), "allow_unmetered") is True
