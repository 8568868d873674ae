"""A key mints keys: what an agent may spend, and how it is stopped."""

from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import ADMIN_TOKEN, GatewayProcess
from tests.fakes.upstream import Upstream

ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 100,
}


def as_key(gateway: GatewayProcess, secret: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {secret}"}
    return httpx.Client(base_url=gateway.url, headers=headers, timeout=30)


def minted(gateway: GatewayProcess, secret: str, **asked: Any) -> dict[str, Any]:
    """A key of the key of ``secret``, with its own secret."""
    with as_key(gateway, secret) as client:
        answer = client.post("/v1/keys", json={"name": "agent", **asked})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert isinstance(made, dict)
    return made


def ask(gateway: GatewayProcess, secret: str, **body: Any) -> httpx.Response:
    with as_key(gateway, secret) as client:
        return client.post("/v1/chat/completions", json={**ASK, **body})


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_an_agent_spends_its_allowance_and_no_more_and_the_rest_needs_no_giving_back(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    boss = gateway.create_key("boss", "0.00012")
    own = gateway.key("boss")
    agent = minted(gateway, boss, budget={"limit_usd": "0.00007"})
    assert agent["parent_key"] == own["id"]
    assert agent["pouch"]["parent"] == own["pouch"]["id"]

    answers = [ask(gateway, agent["key"]) for _ in range(9)]

    paid = [answer for answer in answers if answer.status_code == 200]
    assert paid
    refused = answers[-1].json()["error"]
    assert (refused["code"], refused["pouch"]["name"]) == ("budget_exceeded", "agent")
    spent = gateway.admin.get(f"/api/keys/{agent['id']}").json()["pouch"]["spent_usd"]
    assert gateway.key("boss")["pouch"]["spent_usd"] == spent
    assert ask(gateway, boss, max_tokens=20).status_code == 200
    assert gateway.pouch("verify").code == 0


def test_an_allowance_larger_than_what_is_left_is_bound_by_what_is_left(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    boss = gateway.create_key("small boss", "0.00001")
    agent = minted(gateway, boss, budget={"limit_usd": "1000", "period": "day"})
    refused = ask(gateway, agent["key"]).json()["error"]
    assert (refused["code"], refused["pouch"]["name"]) == ("budget_exceeded", "small boss")
    assert not provider.calls


@pytest.mark.parametrize(
    ("asked", "status", "param"),
    [
        ({"models": ["*"]}, 403, "models"),
        ({"models": ["gpt-4o-mini", "mock"]}, 403, "models"),
        ({"provider": "mock"}, 403, "provider"),
        ({"provider": "nobody"}, 400, "provider"),
        ({"rate_limit": {"requests": 1000, "per_s": 1}}, 403, "rate_limit"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, 403, "expires_at"),
        ({"expires_at": "1999-01-01T00:00:00Z"}, 400, "expires_at"),
        ({"name": "a/b"}, 400, "name"),
        ({"budget": {"limit_usd": 0.5}}, 400, "budget.limit_usd"),
        ({"auto_renew": True}, 400, "auto_renew"),
        ({"pouch": "another"}, 400, "pouch"),
    ],
)
def test_an_agent_gets_no_right_that_its_giver_lacks(
    gateway: GatewayProcess, asked: dict[str, Any], status: int, param: str
) -> None:
    boss = gateway.create_key(
        "bounded boss",
        models=["gpt-*"],
        provider="scripted",
        rate_limit={"requests": 100, "per_s": 1},
        expires_at="2998-01-01T00:00:00Z",
    )
    with as_key(gateway, boss) as client:
        answer = client.post("/v1/keys", json={"name": "agent", **asked})
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
        assert client.get("/v1/keys").json() == {"data": [], "next_cursor": None}


def test_an_agent_inherits_what_it_does_not_ask_for(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    boss = gateway.create_key("narrow boss", models=["gpt-*"], provider="scripted")
    agent = minted(gateway, boss)
    assert (agent["models"], agent["provider"]) == (["gpt-*"], "scripted")
    assert code_of(ask(gateway, agent["key"], model="mock")) == "model_not_allowed"
    assert ask(gateway, agent["key"]).status_code == 200


def test_a_key_lists_and_ends_its_own_and_no_others(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    boss, rival = gateway.create_key("listing boss"), gateway.create_key("rival")
    first, second = (minted(gateway, boss, name=name) for name in ("first", "second"))
    with as_key(gateway, boss) as client, as_key(gateway, rival) as other:
        page = client.get("/v1/keys", params={"limit": 1}).json()
        assert [key["name"] for key in page["data"]] == ["second"]
        page = client.get("/v1/keys", params={"cursor": page["next_cursor"]}).json()
        assert [key["name"] for key in page["data"]] == ["first"]
        assert "key" not in page["data"][0]
        assert other.get("/v1/keys").json()["data"] == []
        assert other.delete(f"/v1/keys/{first['id']}").status_code == 404
        assert client.delete(f"/v1/keys/{first['id']}").status_code == 204
        assert client.delete(f"/v1/keys/{first['id']}").status_code == 404
    assert code_of(ask(gateway, first["key"])) == "invalid_api_key"
    assert ask(gateway, second["key"]).status_code == 200


def test_stopping_a_key_stops_what_descends_from_it_at_once(
    gateway: GatewayProcess, provider: Upstream
) -> None:
    boss = gateway.create_key("stopped boss")
    own = gateway.key("stopped boss")["id"]
    agent = minted(gateway, boss)
    helper = minted(gateway, agent["key"])
    assert ask(gateway, helper["key"]).status_code == 200

    gateway.admin.patch(f"/api/keys/{own}", json={"disabled": True})
    assert code_of(ask(gateway, helper["key"])) == "key_disabled"
    assert gateway.admin.get(f"/api/keys/{helper['id']}").json()["status"] == "disabled"
    with as_key(gateway, agent["key"]) as client:
        assert code_of(client.post("/v1/keys", json={"name": "more"})) == "key_disabled"

    gateway.admin.patch(f"/api/keys/{own}", json={"disabled": False})
    assert ask(gateway, helper["key"]).status_code == 200
    assert gateway.admin.delete(f"/api/keys/{own}").status_code == 204
    for secret in (boss, agent["key"], helper["key"]):
        assert code_of(ask(gateway, secret)) == "invalid_api_key"


def test_minting_takes_a_key_and_no_administrator(gateway: GatewayProcess) -> None:
    for headers in ({}, {"authorization": f"Bearer {ADMIN_TOKEN}"}):
        answer = httpx.post(f"{gateway.url}/v1/keys", headers=headers, json={"name": "x"})
        assert (answer.status_code, code_of(answer)) == (401, "invalid_api_key")
    agent = minted(gateway, gateway.create_key("plain boss"))
    with as_key(gateway, agent["key"]) as client:
        assert client.get("/api/keys").status_code == 401
