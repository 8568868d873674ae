"""A copy of the operator's configuration that can do no harm.

The chain and the settings are the operator's; the store, the address and the providers are the
drill's. Every model keeps its price, written out as a table of its own; where requests of another
size or service tier would have other rates, those of a small standard one are taken. Alerts are
left out: nobody is to be told of a drill.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from pouch import bootstrap, config
from pouch.config import Config
from pouch.config.document import child
from pouch.config.source import read
from pouch.domain.money import Money
from pouch.domain.pipeline import Route
from pouch.domain.pricing import RATE_KINDS, Price
from pouch.drill.plan import Models
from pouch.middlewares import BUILTIN as MIDDLEWARES
from pouch.providers import BUILTIN as PROVIDERS
from pouch.registry import middleware_registry, provider_registry

WITNESS: Final = "pouch.drill.witness:PLUGIN"
WORKERS_MAX: Final = 4
# Long enough for a busy machine, short enough for a drill that locks the store.
BUSY_TIMEOUT_S: Final = 1.0
OWN_PRICE: Final = {"input": "1", "output": "10", "max_output_tokens": 4096}
FREE: Final = {"input": "0", "output": "0"}
# Stands in for a variable that is not set: good for a secret and for an address alike.
_PLACEHOLDER: Final = "https://drill.invalid"
_REQUIRED: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_COPIED: Final = ("http", "settlement", "idempotency", "middlewares")


@dataclass(frozen=True, slots=True)
class Copy:
    """What is drilled: ``settings`` are those of the copy, ``notes`` what the operator should know.
    ``prices`` are by the name that a client uses.

    ``gives_up`` is why the chain as it is keeps nothing in reserve, or ``None``. ``variables`` are
    the names of the environment's variables that the original reads.
    """

    path: Path
    settings: Config
    journal: Path
    models: Models
    prices: Mapping[str, Price]
    notes: Sequence[str]
    gives_up: str | None
    variables: frozenset[str]


def copy_of(original: Path, folder: Path, port: int) -> Copy:
    """Write the copy of the configuration at ``original`` into ``folder``.

    Raises:
        ConfigError: the original, or the copy, is not one that a gateway would start with.
    """
    variables = frozenset(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", _text(original)))
    environ = dict.fromkeys(_REQUIRED.findall(_text(original)), _PLACEHOLDER) | os.environ
    settings = config.load(
        original, middleware_registry(MIDDLEWARES), provider_registry(PROVIDERS), environ
    )
    raw = read(original, str(original), environ).data
    journal = folder / "journal.jsonl"
    own = _name_for_own(settings)
    routes = bootstrap.routes_of(settings).all()
    priced = [route for route in routes if route.price is not None and not route.price.is_free]
    written = {
        **{key: value for key in _COPIED if (value := child(raw, key)) is not None},
        "server": _server(raw, port),
        "store": {"url": "sqlite:///pouch.db", "busy_timeout_s": BUSY_TIMEOUT_S},
        "providers": {
            name: {"use": WITNESS, "journal": str(journal), "store": str(folder / "pouch.db")}
            for name in (*(provider.name for provider in settings.providers), own)
        },
        "models": {
            **{model.alias: f"{model.provider}/{model.model}" for model in settings.models},
            **{f"{own}-{kind}": f"{own}/{kind}" for kind in ("priced", "free", "unpriced")},
        },
        "pricing": {"tables": {**_tables(routes), own: {"priced": OWN_PRICE, "free": FREE}}},
    }
    path = folder / "pouch.yaml"
    path.write_text(yaml.safe_dump(_escaped(written), sort_keys=False), encoding="utf-8")
    copied = bootstrap.load_config(path)
    return Copy(
        path=path,
        settings=copied,
        journal=journal,
        models=Models(
            priced=[route.alias for route in priced] or [f"{own}-priced"],
            free=[f"{own}-free", *(r.alias for r in routes if r.price and r.price.is_free)],
            unpriced=[f"{own}-unpriced", *(r.alias for r in routes if r.price is None)],
        ),
        prices={
            route.alias: route.price
            for route in bootstrap.routes_of(copied).all()
            if route.price is not None
        },
        notes=[] if priced else [_no_price_note(own)],
        gives_up=_gives_up(settings),
        variables=variables,
    )


def with_unknown_step(copy: Copy) -> Path:
    """A configuration like the copy, with a step that there is not."""
    written = yaml.safe_load(copy.path.read_text(encoding="utf-8"))
    written["middlewares"] = [*(written.get("middlewares") or []), {"use": "no_such_guard"}]
    path = copy.path.with_name("unknown-step.yaml")
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


def _text(path: Path) -> str:
    """What the file holds; nothing where it cannot be read, which loading it will report."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _server(raw: object, port: int) -> dict[str, object]:
    section = child(raw, "server")
    server = dict(section) if isinstance(section, dict) else {}
    workers = min(int(server.get("workers", 1)), WORKERS_MAX)
    return {**server, "host": "127.0.0.1", "port": port, "workers": workers}


def _name_for_own(settings: Config) -> str:
    """A provider's name that the operator does not use, nor as the beginning of a model's."""
    taken = {provider.name for provider in settings.providers}
    aliases = [model.alias for model in settings.models]
    name = "drill"
    while name in taken or any(alias.startswith(name) for alias in aliases):
        name += "-x"
    return name


def _tables(routes: Sequence[Route]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for route in routes:
        if route.price is not None:
            tables.setdefault(route.provider, {})[route.model] = _entry(route.price)
    return tables


def _entry(price: Price) -> dict[str, object]:
    rates = {kind: getattr(price.rates, kind) for kind in RATE_KINDS}
    limits = {
        "max_output_tokens": price.max_output_tokens,
        "context_window": price.context_window,
        "encoding": price.encoding,
    }
    return {
        **{name: str(Money(rate)) for name, rate in rates.items() if rate is not None},
        **{name: limit for name, limit in limits.items() if limit is not None},
        "hidden_reasoning": price.hidden_reasoning,
    }


def _escaped(value: object) -> object:
    """``value`` so that reading it again expands nothing."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return value


def _no_price_note(own: str) -> str:
    return (
        "No model of this configuration costs anything, or none that is named in full has a "
        f"price; so the drill asks {own}-priced, at {OWN_PRICE['input']} and "
        f"{OWN_PRICE['output']} USD per million tokens."
    )


def _gives_up(settings: Config) -> str | None:
    if any(step.enabled and step.plugin.reserves for step in settings.steps):
        return None
    return "no enabled step reserves money, so this configuration gives the promise up"
