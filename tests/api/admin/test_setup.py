import re

from tests.api.admin.conftest import Admin


async def test_providers_say_why_they_are_off(admin: Admin) -> None:
    answer = await admin.client.get("/api/providers")

    assert answer.json() == {
        "data": [
            {
                "name": "openai",
                "use": "openai",
                "status": "off",
                "reason": "OPENAI_API_KEY is not set",
                "models": ["gpt-4o-mini", "mystery"],
            },
            {"name": "mock", "use": "mock", "status": "on", "reason": None, "models": ["mock"]},
        ],
        "next_cursor": None,
    }


async def test_prices_are_usd_per_million_tokens_or_a_hint(admin: Admin) -> None:
    priced, unpriced = (await admin.client.get("/api/prices")).json()["data"]

    none = dict.fromkeys(["cache_write", "audio_input", "image_input", "reasoning", "audio_output"])
    assert priced == {
        "name": "gpt-4o-mini",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "priced": True,
        "rates": {"input": "0.15", "cached_input": "0.075", "output": "0.60", **none},
        "tiers": [
            {
                "above_input_tokens": 200_000,
                "rates": {"input": "0.30", "cached_input": None, "output": "1.20", **none},
            }
        ],
        "service_tiers": {},
        "source": "pouch.yaml",
        "max_output_tokens": 16_384,
        "context_window": None,
    }
    assert unpriced.pop("hint").startswith("pricing:\n")
    assert unpriced == {
        "name": "mystery",
        "provider": "openai",
        "model": "mystery-1",
        "priced": False,
    }


async def test_the_pipeline_is_shown_in_its_order(admin: Admin) -> None:
    answer = await admin.client.get("/api/pipeline")

    unknown = dict.fromkeys(["p50_ms", "p95_ms", "own_p50_ms"])
    unused = {"reserves": False, "calls_upstream": False, "calls": 0, "refusals": 0, **unknown}
    assert answer.json() == {
        "data": [
            {
                "name": "rate_limit",
                "use": "rate_limit",
                "enabled": True,
                "position": 0,
                "config": {"requests": 60},
                "schema": {"type": "object"},
                **unused,
            },
            {
                "name": "mock",
                "use": "mock",
                "enabled": False,
                "position": 1,
                "config": {},
                "schema": {"type": "object"},
                **unused,
            },
        ],
        "next_cursor": None,
        "over": 0,
        "since": None,
    }


async def test_the_openapi_document_needs_no_token_and_has_no_loose_ends(admin: Admin) -> None:
    answer = await admin.stranger.get("/api/openapi.json")

    document = answer.json()
    schemas = document["components"]["schemas"]
    assert answer.status_code == 200
    assert document["openapi"] == "3.1.0"
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text))
    assert referred <= set(schemas)
    assert "Money" not in schemas
    assert schemas["PouchObject"]["properties"]["spent_usd"]["type"] == "string"
    assert schemas["KeyBody"]["required"] == ["name"]
    assert "required" not in schemas["KeyPatch"]


async def test_the_openapi_document_describes_every_route_and_no_other(admin: Admin) -> None:
    document = (await admin.stranger.get("/api/openapi.json")).json()
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }

    for method, path in described:
        assert (await admin.stranger.request(method, path)).status_code != 404, path
    assert len(described) == 35
    operations = [op for path in document["paths"].values() for op in path.values()]
    assert len({operation["operationId"] for operation in operations}) == 35


async def test_an_unknown_route_and_a_wrong_method_are_refused_as_json(admin: Admin) -> None:
    unknown = await admin.client.get("/api/nothing")
    wrong = await admin.client.put("/api/keys", json={})

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.json()["error"]["code"] == "not_found"
    assert wrong.json()["error"]["code"] == "method_not_allowed"
