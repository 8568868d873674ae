"""How many tokens well-known models take and give, which price data does not say.

``data/limits.json`` maps a vendor to ``{model: [most output tokens or null, context window]}``; it
is made by ``tools/limits.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from pouch.infra.prices.names import undated

Table = Mapping[str, Mapping[str, tuple[int | None, int]]]


@dataclass(frozen=True, slots=True)
class Limit:
    """``None`` where it is not known."""

    max_output_tokens: int | None = None
    context_window: int | None = None


UNKNOWN: Final = Limit()


class Limits:
    """Looks models up by the vendor's id and the vendor's own name for them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, vendor: str | None, model: str) -> Limit:
        """The limits of ``model``, or else of the model that it is a dated release of."""
        models = self._table.get(vendor or "", {})
        name = model.lower()
        found = models.get(name) or models.get(undated(name))
        return UNKNOWN if found is None else Limit(*found)


@cache
def shipped_limits() -> Limits:
    """The limits that the package ships."""
    content = files("pouch.infra.prices").joinpath("data", "limits.json").read_bytes()
    return Limits(msgspec.json.decode(content, type=dict[str, dict[str, tuple[int | None, int]]]))
