"""What goes on beside the requests for as long as the process serves."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

from pouch.api import lifecycle
from pouch.api.lifecycle import App
from pouch.config import Config
from pouch.domain.ports import Clock
from pouch.infra import webhooks
from pouch.infra.http import make_transport
from pouch.infra.sqlite import SqliteStore
from pouch.service.alerts import AlertDelivery, Webhook

_log = logging.getLogger("pouch.bootstrap")


class Watchers:
    """Tasks that never end by themselves: if one does, the process stops."""

    def __init__(self, app: App, works: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        self._tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
        for task in self._tasks:
            task.add_done_callback(partial(_ended, app))

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


def _ended(app: App, watcher: "asyncio.Task[None]") -> None:
    """Without its watchers a process would honour revoked keys; so it stops."""
    if not watcher.cancelled():
        _log.error("the watcher of %s has failed", watcher.get_name(), exc_info=watcher.exception())
        lifecycle.stop(app)


async def deliver_alerts(store: SqliteStore, settings: Config, clock: Clock) -> None:
    """Bring alerts to the webhooks for ever."""
    section = settings.alerts
    urls = {hook.id: hook.url.get_secret_value() for hook in section.webhooks}
    written = {hook.id: Webhook(hook.format, hook.secret_text) for hook in section.webhooks}
    transport = make_transport(
        settings.http.transport, webhooks.TIMEOUTS, connections_max=webhooks.CONNECTIONS_MAX
    )
    try:
        sender = webhooks.Webhooks(urls, transport)
        await AlertDelivery(
            store.outbox, sender, written, clock, attempts_max=section.attempts_max
        ).watch()
    finally:
        await transport.aclose()
