"""Keys when there are very many of them, or when the store is gone."""

from pouch.service.key_terms import NewKey
from tests.api.admin.conftest import Admin


async def test_a_store_that_is_down_answers_503(admin: Admin) -> None:
    admin.store.down = True

    answer = await admin.client.get("/api/keys")

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "store_unavailable"


async def test_ten_thousand_keys_are_paged_through(admin: Admin) -> None:
    for n in range(10_000):
        await admin.keys.create(NewKey(name=f"key {n}"))

    seen, cursor = set(), None
    for _ in range(20):
        query = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
        page = (await admin.client.get("/api/keys", params=query)).json()
        seen |= {key["id"] for key in page["data"]}
        cursor = page["next_cursor"]

    assert len(seen) == 10_000
    assert cursor is None
