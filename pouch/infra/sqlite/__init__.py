"""The store on SQLite: one file, one writer a process, readers that are never in its way."""

from pouch.infra.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
