"""Builds single services from what the configuration says."""

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from pouch.api.admin.services import Installation
from pouch.config import Config
from pouch.domain.pipeline import Handler, Ports, Step, compose
from pouch.domain.plugin import BuiltProvider, ProviderPorts
from pouch.domain.ports import Clock
from pouch.infra.http import HttpTransport, Timeouts, make_transport
from pouch.infra.sqlite import SqliteStore
from pouch.service.idempotency import IdempotencyLimits
from pouch.service.quotes import DryLedger, Quotes, end_of_chain
from pouch.service.settlement import DisconnectPolicy


def transport_of(settings: Config) -> HttpTransport:
    """What carries requests to providers."""
    http = settings.http
    timeouts = Timeouts(
        connect_s=http.connect_s,
        write_s=http.write_s,
        first_byte_s=http.first_byte_s,
        read_s=http.read_s,
        pool_s=http.pool_s,
        total_s=http.total_s,
    )
    return make_transport(http.transport, timeouts, connections_max=http.connections_max)


def built_providers(
    settings: Config, clock: Clock, transport: HttpTransport
) -> Mapping[str, BuiltProvider]:
    """The providers that are on, by name."""
    ports = ProviderPorts(clock, transport)
    return {p.name: p.plugin.build(p.config, ports) for p in settings.providers if p.off is None}


def chain_of(settings: Config, ports: Ports, end: Handler, *, dry: bool = False) -> Handler:
    """The steps that are enabled, around ``end``; ``dry`` leaves out those that do not quote."""
    steps = [
        Step(step.name, step.plugin.build(step.config, ports))
        for step in settings.steps
        if step.enabled and (step.plugin.quotes or not dry)
    ]
    return compose(steps, end, ports.clock)


def quotes_of(settings: Config, ports: Ports, store: SqliteStore) -> Quotes:
    """The chain, to be run dry."""
    dry = DryLedger(store.ledger, store.keys)
    chain = chain_of(settings, replace(ports, ledger=dry), end_of_chain, dry=True)
    return Quotes(chain, dry, store.reports, ports.tokens)


def installation_of(settings: Config, clock: Clock) -> Installation:
    """What runs here, for administrators; no folder, for it may tell who runs it."""
    try:
        installed = version("pouch-ai")
    except PackageNotFoundError:
        installed = "source"
    return Installation(
        version=installed,
        python=platform.python_version(),
        started_at=clock.now(),
        workers=settings.server.workers,
        worker_pid=os.getpid(),
        synchronous=settings.store.synchronous,
        transport=settings.http.transport,
        config_file=settings.path.name,
    )


def disconnect_policy(settings: Config) -> DisconnectPolicy:
    """What happens upstream when a client has gone."""
    section = settings.settlement
    return DisconnectPolicy(drain=section.on_disconnect == "drain", drain_s=section.drain_s)


def idempotency_limits(settings: Config) -> IdempotencyLimits:
    """How long answers are kept, and how large they may be."""
    section = settings.idempotency
    return IdempotencyLimits(section.ttl_s, section.wait_s, section.answer_bytes_max)
