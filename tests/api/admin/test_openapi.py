"""The OpenAPI document, as programs read it."""

from collections.abc import Iterator

from tests.api.admin.conftest import Admin


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


async def test_every_reference_leads_to_a_schema(admin: Admin) -> None:
    document = (await admin.stranger.get("/api/openapi.json")).json()

    found = set(references(document))

    assert found
    assert found <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


async def test_a_parameter_lists_what_it_can_be(admin: Admin) -> None:
    document = (await admin.stranger.get("/api/openapi.json")).json()

    parameters = document["paths"]["/api/keys"]["get"]["parameters"]

    [sort] = [parameter for parameter in parameters if parameter["name"] == "sort"]
    assert sort["schema"]["enum"] == ["newest", "name", "last_used", "spent", "fullest"]


async def test_a_file_is_described_as_one(admin: Admin) -> None:
    document = (await admin.stranger.get("/api/openapi.json")).json()

    answer = document["paths"]["/api/usage.csv"]["get"]["responses"]["200"]

    assert answer["content"] == {"text/csv": {"schema": {"type": "string"}}}
