"""What the ``pouch`` commands do."""

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pouch import bootstrap
from pouch.api import dashboard, process
from pouch.api.lifecycle import App
from pouch.config import Config, ConfigError
from pouch.domain.errors import PouchError, StoreUnavailableError
from pouch.domain.key import hash_of, new_admin_token
from pouch.domain.money import Money
from pouch.domain.period import Unit
from pouch.domain.price_lines import lines_to_price
from pouch.drill.command import drill
from pouch.infra import logging
from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore
from pouch.registry import PluginClashError
from pouch.service.key_terms import BudgetChange, NewKey
from pouch.service.keys import IssuedKey, KeyService
from pouch.service.routes import Routes

FIRST_KEY_NAME: Final = "first key"
FIRST_KEY_LIMIT: Final = Money.usd("1")
KEYS_SHOWN_MAX: Final = 10_000
# Answers from the mock provider, at no cost.
SMALLEST_CONFIG: Final = """\
providers: {mock: {use: mock}}
models: {mock: mock/mock}
middlewares: [{use: key_validation}, {use: usage_tracking}]
"""


class CommandError(Exception):
    """Why a command did not do what it was asked to; ``str(error)`` is for its user."""


def run(arguments: argparse.Namespace) -> int:
    """Run the command that ``arguments`` name; the exit code.

    Raises:
        CommandError: it could not be done.
    """
    name = arguments.command
    if name == "keys":
        name = f"keys {arguments.action}"
    try:
        return _COMMANDS[name](arguments)
    except (ConfigError, PluginClashError, PouchError) as error:
        raise CommandError(_said(error)) from error


def say(line: str = "") -> None:
    """A line to standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _settings(arguments: argparse.Namespace) -> Config:
    path: Path = arguments.config
    if not path.exists():
        raise CommandError(
            f"There is no {path} here. Name another file with --config FILE, or begin with:\n\n"
            f"{SMALLEST_CONFIG}"
        )
    return bootstrap.load_config(path)


def _serve(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    listener = process.bind(settings.server.host, settings.server.port)
    base = f"http://{_shown_host(settings.server.host)}:{listener.getsockname()[1]}"
    for line in asyncio.run(_prepare(settings, base)):
        say(line)
    create = partial(_create_app, arguments.config.absolute())
    logging.configure()
    return process.run(
        create, listener, workers=settings.server.workers, drain_s=settings.server.drain_s
    )


def _create_app(path: Path) -> App:
    """The application, in whichever process is to serve it; or the process ends, saying why."""
    logging.configure()
    try:
        return bootstrap.build_app(path)
    except (ConfigError, PluginClashError, PouchError) as error:
        raise SystemExit(_said(error)) from error


def _said(error: Exception) -> str:
    """The error, and why the store cannot be used, which only the operator is told."""
    why = error.__cause__ if isinstance(error, StoreUnavailableError) else None
    return str(error) if why is None else f"{error} ({why})"


async def _prepare(settings: Config, base: str) -> list[str]:
    """Migrate the store and, at the first start, make the admin token and a key; what to print."""
    store = await bootstrap.open_store(settings)
    try:
        lines = [*_warnings(settings, bootstrap.routes_of(settings))]
        if not os.environ.get(bootstrap.ADMIN_TOKEN_VARIABLE):
            lines += await _first_token(store)
        lines += await _first_key(store, settings, base)
    finally:
        await store.close()
    if not dashboard.is_built():
        lines.append(f"the dashboard is not built; {base} says how to build it")
    return [*lines, f"Pouch listens on {base}", ""]


async def _first_token(store: SqliteStore) -> list[str]:
    if await store.get_setting(bootstrap.ADMIN_TOKEN_HASH) is not None:
        return []
    token = new_admin_token()
    await store.set_setting(bootstrap.ADMIN_TOKEN_HASH, hash_of(token))
    return ["Admin token, shown this once:", "", f"  {token}", ""]


async def _first_key(store: SqliteStore, settings: Config, base: str) -> list[str]:
    """A key for the first request, if there has never been one; with the command to make it."""
    keys = KeyService(store.keys, SystemClock())
    if await store.get_setting("first_key") is not None:
        return []
    await store.set_setting("first_key", "made")
    if (await keys.page(limit=1)).items:
        return []
    issued = await keys.create(
        NewKey(FIRST_KEY_NAME, budget=BudgetChange(FIRST_KEY_LIMIT, Unit.MONTH))
    )
    routes = bootstrap.routes_of(settings).allowed_to(issued.stored.key)
    model = next((r.alias for r in routes if r.price and r.price.is_free), None)
    model = model or next((r.alias for r in routes), "mock")
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return [
        f"A key with a budget of {FIRST_KEY_LIMIT} USD a month, shown this once; try it:",
        "",
        f"  curl {base}/v1/chat/completions \\",
        f"    -H {shlex.quote(f'Authorization: Bearer {issued.secret}')} \\",
        f"    -d {shlex.quote(body)}",
        "",
    ]


def _shown_host(host: str) -> str:
    """A host that a client on this machine can name."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _warnings(settings: Config, routes: Routes) -> list[str]:
    """What is no mistake but will be refused when it is asked for."""
    lines = [
        f"provider {provider.name!r} is off: {provider.off}"
        for provider in settings.providers
        if provider.off is not None
    ]
    paid = {model.alias for model in settings.paid_models}
    for route in routes.all():
        if route.price is None and route.alias in paid:
            lines.append(f"model {route.alias!r} has no price and will be refused; to price it:")
            lines += [
                f"  {line}" for line in lines_to_price(route.provider, route.model).split("\n")
            ]
    return lines


def _check(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    for line in _warnings(settings, bootstrap.routes_of(settings)):
        say(line)
    steps = " -> ".join(step.name for step in settings.steps if step.enabled)
    say(f"{arguments.config}: ok; {len(settings.models)} models; chain: {steps or 'none'}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    async def verify(store: SqliteStore) -> int:
        audit = await store.ledger.verify()
        say(
            f"{audit.pouches} pouches, {audit.entries} entries, {audit.reservations} reservations "
            f"({audit.open_reservations} open)"
        )
        for discrepancy in audit.discrepancies:
            say(f"  {discrepancy.what}")
        if audit.discrepancies:
            say(f"The books do not balance: {len(audit.discrepancies)} discrepancies.")
            return 1
        say("The books balance.")
        return 0

    return _with_store(arguments, verify)


def _create_key(arguments: argparse.Namespace) -> int:
    budget = BudgetChange(
        limit=None if arguments.limit is None else _money(arguments.limit),
        every=Unit(arguments.period) if arguments.period else None,
        time_zone=arguments.time_zone,
    )
    models = tuple(arguments.model) if arguments.model else None
    wanted = NewKey(arguments.name, budget=budget, models=models)

    async def create(store: SqliteStore) -> int:
        issued = await KeyService(store.keys, SystemClock()).create(wanted)
        _show_key(issued)
        return 0

    return _with_store(arguments, create)


def _show_key(issued: IssuedKey) -> None:
    # The secret alone goes to standard output, so that a script can take it.
    say(issued.secret)
    sys.stderr.write(
        f"Its id is {issued.stored.key.id}. The key is shown this once; keep it now.\n"
    )


def _list_keys(arguments: argparse.Namespace) -> int:
    async def show(store: SqliteStore) -> int:
        page = await KeyService(store.keys, SystemClock()).page(limit=KEYS_SHOWN_MAX)
        say(f"{'ID':30}  {'NAME':24}  {'PREFIX':12}  {'SPENT':>14}  {'LIMIT':>14}")
        for stored in page.items:
            key, pouch = stored.key, stored.pouches[0]
            limit = "none" if pouch.limit is None else str(pouch.limit)
            say(f"{key.id:30}  {key.name:24}  {key.prefix:12}  {pouch.spent!s:>14}  {limit:>14}")
        return 0

    return _with_store(arguments, show)


def _revoke_key(arguments: argparse.Namespace) -> int:
    async def revoke(store: SqliteStore) -> int:
        await KeyService(store.keys, SystemClock()).revoke(arguments.id)
        say(f"{arguments.id} is revoked.")
        return 0

    return _with_store(arguments, revoke)


def _money(text: str) -> Money:
    try:
        money = Money.usd(text)
    except ValueError as error:
        raise CommandError(f"--limit: {error}") from error
    if money.nanos < 0:
        raise CommandError("--limit: must not be negative")
    return money


def _with_store(
    arguments: argparse.Namespace, work: Callable[[SqliteStore], Coroutine[Any, Any, int]]
) -> int:
    """Run ``work`` on the configuration's store, which a server may be using at the same time."""
    settings = _settings(arguments)

    async def go() -> int:
        store = await bootstrap.open_store(settings)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "serve": _serve,
    "check": _check,
    "verify": _verify,
    "drill": drill,
    "keys create": _create_key,
    "keys list": _list_keys,
    "keys revoke": _revoke_key,
}
