"""The composition root: the only package that names concrete classes of every layer.

``settings`` reads what the configuration says, ``parts`` builds services from it, ``watchers``
runs what goes on beside the requests, and ``gateway`` joins them into one running process.
"""

from pouch.bootstrap.gateway import build_app
from pouch.bootstrap.settings import (
    ADMIN_TOKEN_VARIABLE,
    load_config,
    open_store,
    prices_of,
    routes_of,
)
from pouch.service.admin_token import ADMIN_TOKEN_HASH

__all__ = [
    "ADMIN_TOKEN_HASH",
    "ADMIN_TOKEN_VARIABLE",
    "build_app",
    "load_config",
    "open_store",
    "prices_of",
    "routes_of",
]
