"""The section ``store``: where the ledger is kept."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from pouch.config.models import Number, Section
from pouch.config.resolved import Store

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://.*", re.DOTALL)
_START: Final = "sqlite:///"


def _checked_url(url: str) -> str:
    """``url``; ``ValueError`` says, without repeating it, why it names no file."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("must be a URL such as 'sqlite:///data/pouch.db'")
    if parts["scheme"] != "sqlite":
        raise ValueError(f"only sqlite is supported, not {parts['scheme']!r}")
    name = url.removeprefix(_START)
    if name == url:
        raise ValueError("must begin with 'sqlite:///', three slashes; four begin a full path")
    if not name or name.endswith("/") or name == ":memory:":
        raise ValueError("must name a file: a ledger that is not on a disk dies with the process")
    if not name.isprintable() or "?" in name or "#" in name:
        raise ValueError("must be a plain path, without '?', '#' and control characters")
    return url


class StoreSection(Section):
    """``{url: "sqlite:///data/pouch.db"}``."""

    url: Annotated[str, AfterValidator(_checked_url)] = "sqlite:///data/pouch.db"
    busy_timeout_s: Number = Field(
        default=5, ge=0, le=3600, description="How long to wait for another process's write."
    )
    synchronous: Literal["full", "normal"] = Field(
        default="full", description="`normal` can lose the last entries when power fails."
    )

    def resolved(self, folder: Path) -> Store:
        """The store, its path taken from ``folder`` if it is relative."""
        return Store(
            url=self.url,
            path=folder / self.url.removeprefix(_START),
            busy_timeout_s=self.busy_timeout_s,
            synchronous=self.synchronous,
        )
