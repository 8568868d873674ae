"""Price tables: provider -> model or glob -> entry, in USD per million tokens.

A rate is a decimal in quotes. It is parsed digit by digit, never through a float or a rounding
``Decimal`` context, so what is billed is what is written.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from pouch.config.document import Document, Where
from pouch.config.models import PricingSection, Section, Whole
from pouch.config.resolved import PriceTable
from pouch.config.source import read, reason_unreadable
from pouch.config.validation import mapping_at, not_found, section_of, validate
from pouch.domain.money import NANOS_PER_USD
from pouch.domain.pricing import Price, Rates

RATE_USD_MAX: Final = 1_000_000

_DECIMAL: Final = re.compile(r"(?P<whole>[0-9]{1,20})(?:\.(?P<fraction>[0-9]{1,40}))?")
_DECIMALS: Final = len(str(NANOS_PER_USD)) - 1


def _nanos(value: Any) -> int:
    """USD per million tokens as nano-dollars per million; ``ValueError`` says what is wrong."""
    if isinstance(value, float):
        raise ValueError(f'must be a decimal in quotes: write "{Decimal(repr(value)):f}"')  # noqa: TRY004
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('must be USD per million tokens, a decimal in quotes such as "0.15"')  # noqa: TRY004
    text = str(value) if isinstance(value, str) or abs(value) <= RATE_USD_MAX else "9" * 20
    if text.startswith("-") and _DECIMAL.fullmatch(text[1:]):
        raise ValueError("must not be negative")
    parts = _DECIMAL.fullmatch(text)
    if parts is None:
        raise ValueError('must be USD per million tokens, a decimal in quotes such as "0.15"')
    fraction = (parts["fraction"] or "").rstrip("0")
    if len(fraction) > _DECIMALS:
        raise ValueError("is finer than a nano-dollar per million tokens")
    nanos = int(parts["whole"]) * NANOS_PER_USD + int(fraction.ljust(_DECIMALS, "0"))
    if nanos > RATE_USD_MAX * NANOS_PER_USD:
        raise ValueError(f"must be at most {RATE_USD_MAX:,} USD per million tokens")
    return nanos


Rate = Annotated[int, BeforeValidator(_nanos)]


class PriceEntry(Section):
    """One model's price. A rate that is left out is billed at the dearer one of its side."""

    input: Rate
    output: Rate
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    audio_input: Rate | None = None
    image_input: Rate | None = None
    reasoning: Rate | None = None
    audio_output: Rate | None = None
    max_output_tokens: Whole | None = Field(default=None, gt=0, le=1_000_000_000)
    context_window: Whole | None = Field(default=None, gt=0, le=1_000_000_000)
    encoding: Literal["o200k_base", "cl100k_base", "bytes"] | None = None
    hidden_reasoning: bool = False

    def price(self, source: str) -> Price:
        """The entry as the domain knows it."""
        return Price(
            rates=Rates(
                input=self.input,
                output=self.output,
                cached_input=self.cached_input,
                cache_write=self.cache_write,
                audio_input=self.audio_input,
                image_input=self.image_input,
                reasoning=self.reasoning,
                audio_output=self.audio_output,
            ),
            source=source,
            max_output_tokens=self.max_output_tokens,
            context_window=self.context_window,
            encoding=self.encoding,
            hidden_reasoning=self.hidden_reasoning,
        )


def price_tables(
    document: Document, providers: Collection[str], environ: Mapping[str, str], *, folder: Path
) -> tuple[list[PriceTable], Document | None]:
    """The tables of ``pouch.yaml`` and then of the file it names; and that file, if it is named.

    A provider in ``pouch.yaml``'s own tables must be one of ``providers``: misspelt, its models
    would be billed at other prices than those written. A file may serve other gateways too.
    """
    section = section_of(document, "pricing")
    pricing = validate(document, PricingSection, section, ("pricing",))
    tables: list[PriceTable] = []
    raw = section.get("tables")
    if raw is not None:
        where = ("pricing", "tables")
        for provider in (raw if isinstance(raw, dict) else {}).keys() - set(providers):
            document.blame((*where, provider), not_found("provider", provider, providers))
        tables.append(_table(document, raw, where))
    if pricing is None or pricing.file is None:
        return tables, None
    file = _price_file(document, pricing.file, environ, folder=folder)
    if file is not None and () not in file.broken:
        tables.append(_table(file, file.data, ()))
    return tables, file


def _price_file(
    document: Document, name: str, environ: Mapping[str, str], *, folder: Path
) -> Document | None:
    where = ("pricing", "file")
    path = folder / name
    reason = reason_unreadable(path)
    if reason is not None:
        document.blame_value(where, f"cannot be read: {reason}")
        return None
    shown_name = "pricing.file" if document.is_hidden(where) else name
    return read(path, shown_name, environ)


def _table(document: Document, raw: object, where: Where) -> PriceTable:
    """The entries that have no mistake."""
    table: dict[str, dict[str, Price]] = {}
    for provider, patterns in (mapping_at(document, raw, where) or {}).items():
        place = (*where, provider)
        for pattern, entry in (mapping_at(document, patterns, place) or {}).items():
            price = _price(document, entry, (*place, pattern))
            if price is not None:
                table.setdefault(provider, {})[pattern] = price
    return table


def _price(document: Document, raw: object, where: Where) -> Price | None:
    fields = mapping_at(document, raw, where)
    entry = None if fields is None else validate(document, PriceEntry, fields, where)
    if entry is None:
        return None
    return entry.price(f"{Path(document.name).name}:{document.line_of(where)}")
