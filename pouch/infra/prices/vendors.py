"""Which vendor's prices apply to what is sent to a URL."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

HTTPS_PORT: Final = 443

# Vendors whose price depends on what neither the URL nor the model's name tells: the model behind
# a deployment's name, the region, the machine that it runs on.
UNTOLD: Final = frozenset({"azure", "aws", "databricks", "modal"})

# The data takes every host of Google's for one that has these prices; regional ones have their own.
GOOGLE_HOSTS: Final = frozenset({"generativelanguage.googleapis.com", "aiplatform.googleapis.com"})

# Hosts whose pattern in the data ends amid the host's name, and so would match any domain.
SPELT_OUT: Final = {"api.moonshot.ai": "moonshotai"}


def vendor_of(base_url: str) -> str | None:
    """The ``genai-prices`` id of the vendor at ``base_url``; ``None`` if it is none for certain.

    Only HTTPS to the vendor's very host counts: what answers at any other, a server of one's own
    or somebody's proxy, has its own prices.
    """
    url = _parsed(base_url)
    if url is None:
        return None
    if url.hostname in SPELT_OUT:
        return SPELT_OUT[url.hostname]
    from genai_prices.data import providers  # noqa: PLC0415 - slow to import

    for provider in providers:
        if _matches(provider.api_pattern, url):
            return _with_certainty(provider.id, url)
    return None


def _parsed(base_url: str) -> SplitResult | None:
    """The parts of an HTTPS URL whose host is what it seems to be."""
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError:
        return None
    if url.scheme != "https" or not url.hostname or "@" in url.netloc or "\\" in base_url:
        return None
    return url if port in {None, HTTPS_PORT} else None


def _matches(pattern: str, url: SplitResult) -> bool:
    """The pattern, which only says how a URL begins, ends where a part of this one ends.

    A dot of the path could pass for a host's to a pattern with a wildcard, so it has none here.
    """
    plain = f"https://{url.hostname}{url.path.replace('.', '_')}"
    found = re.match(pattern, plain)
    if found is None or found.end() < len(f"https://{url.hostname}"):
        return False
    return found.end() == len(plain) or "/" in {plain[found.end() - 1], plain[found.end()]}


def _with_certainty(vendor: str, url: SplitResult) -> str | None:
    if vendor in UNTOLD or (vendor == "google" and url.hostname not in GOOGLE_HOSTS):
        return None
    return vendor
