"""Writes the OpenAPI document to standard output, without a server or a store.

``python -m pouch.api.admin.describe``: the dashboard's TypeScript types are made from it.
"""

import sys
from collections.abc import Iterator
from typing import cast

from pouch.api.admin.blueprint import admin_endpoints
from pouch.api.admin.openapi import document
from pouch.api.admin.services import AdminServices


class _Absent:
    """In the place of every service: endpoints are described here, never called."""

    def __getattr__(self, name: str) -> "_Absent":
        return self

    def __iter__(self) -> Iterator[object]:
        return iter(())


def described() -> bytes:
    """The document that ``GET /api/openapi.json`` answers, as JSON."""
    return document(admin_endpoints(cast(AdminServices, _Absent())))


if __name__ == "__main__":
    sys.stdout.buffer.write(described())
