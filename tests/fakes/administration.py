"""What the administration API is given beside keys and reports, in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pouch.api.admin.services import Installation
from pouch.domain.ports import StoreFacts

INSTALLATION = Installation(
    version="1.2.3",
    python="3.11.7",
    started_at=datetime(2027, 1, 1, tzinfo=UTC),
    workers=2,
    worker_pid=4711,
    synchronous="full",
    transport="auto",
    config_file="pouch.yaml",
)


class FakeSettings:
    """Texts by name, in a store of no size."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    async def get_setting(self, key: str) -> str | None:
        return self.texts.get(key)

    async def replace_setting(self, key: str, old: str, new: str) -> bool:
        if self.texts.get(key) != old:
            return False
        self.texts[key] = new
        return True

    async def facts(self) -> StoreFacts:
        return StoreFacts("sqlite", "pouch.db", 4096, 2)


class FakeStops:
    """Wishes to stop requests; ``others`` are what other processes have, and take at once."""

    def __init__(self, *others: str) -> None:
        self.others = others
        self.open: list[str] = []

    async def ask(self, request_id: str) -> None:
        if request_id not in self.others and request_id not in self.open:
            self.open.append(request_id)

    async def wishes(self) -> Sequence[str]:
        return list(self.open)

    async def take(self, request_id: str) -> bool:
        if request_id not in self.open:
            return False
        self.open.remove(request_id)
        return True
