"""Keys as a store has them, made in one line each, and many at once."""

from pouch.domain.key import Freeze, Key
from pouch.domain.ports import NewPouch
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import START
from tests.infra.sqlite.books import pouch


async def make_key(
    store: SqliteStore,
    key_id: str,
    *,
    name: str = "a key",
    limit: int | None = None,
    inside: str | None = None,
    minted_by: Key | None = None,
    frozen: bool = False,
    **fields: object,
) -> Key:
    """A key whose own pouch is named after it and has ``limit`` nano-dollars."""
    own: NewPouch = pouch(f"own_{key_id}", limit, inside=inside)
    key = Key(
        id=key_id,
        name=name,
        prefix=f"pouch-{key_id}",
        created_at=START,
        pouches=(),
        parents=(minted_by,) if minted_by else (),
        **fields,  # type: ignore[arg-type]
    )
    await store.keys.create(key, secret_hash=f"hash of {key_id}", pouch=own)
    if frozen:
        await store.freezes.freeze(key, Freeze(START, "too fast", None))
    return key
