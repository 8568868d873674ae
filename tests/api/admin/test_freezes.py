from datetime import timedelta

from pouch.service.freezes import KeyFreezes
from tests.api.admin.conftest import Admin


async def test_a_frozen_key_says_why_and_until_when_and_an_administrator_thaws_it(
    admin: Admin,
) -> None:
    made = await admin.created()
    key = await admin.keys.authenticate(made["key"])
    freezes = KeyFreezes(admin.store, admin.keys, admin.clock)
    until = admin.clock.now() + timedelta(hours=1)
    await freezes.freeze(key, reason="too fast", until=until)
    frozen = (await admin.client.get(f"/api/keys/{key.id}")).json()
    assert (frozen["status"], frozen["frozen_reason"]) == ("frozen", "too fast")
    assert frozen["frozen_until"] == "2026-01-15T13:00:00Z"
    for _ in range(2):
        answer = await admin.client.post(f"/api/keys/{key.id}/thaw")
        assert answer.status_code == 200
        thawed = answer.json()
        assert (thawed["status"], thawed["frozen_reason"]) == ("active", None)


async def test_a_thaw_is_for_administrators_and_for_keys_that_are_there(admin: Admin) -> None:
    assert (await admin.stranger.post("/api/keys/key_0/thaw")).status_code == 401
    assert (await admin.client.post("/api/keys/key_0/thaw")).status_code == 404
