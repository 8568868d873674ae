import gzip
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sanic import Sanic

from pouch.api import dashboard, errors
from pouch.api.static_files import policy, read_folder
from tests.fakes.server import serve

SCRIPT = "document.title = 'a'"
PAGE = f"<!doctype html><script>{SCRIPT}</script><script src='/x.js'></script><style>b{{}}</style>"
ASSET = "/_astro/app.Hash1234.js"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "static"
    (built / "_astro").mkdir(parents=True)
    for name in ("index", "404", *dashboard.PAGES):
        (built / f"{name}.html").write_text(PAGE.replace("'a'", f"'{name}'"), encoding="utf-8")
    (built / "_astro" / "app.Hash1234.js").write_bytes(b"let a = 1;")
    (built / "_astro" / "app.Hash1234.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    (built / "_astro" / "app.Hash1234.js.br").write_bytes(b"brotli's bytes")
    (built / ".stamp").write_text("not for anyone", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("outside", encoding="utf-8")
    return built


@pytest_asyncio.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async for running in serving(folder):
        yield running


async def serving(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Sanic("dashboard", configure_logging=False)
    errors.install(app)
    dashboard.install(app, folder)
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as running:
        yield running


async def test_every_page_has_an_address_without_and_with_a_slash(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/", *(f"/{name}" for name in dashboard.PAGES), "/keys/", "/keys?id=a&view=b"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_what_has_a_hash_in_its_name_is_kept_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get(ASSET)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0.0, gzip; q=0", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_the_encoding_is_one_that_the_client_takes(
    client: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    async with client.stream("GET", ASSET, headers={"accept-encoding": accepted}) as answer:
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["vary"] == "accept-encoding"
        sent = b"".join([part async for part in answer.aiter_raw()])
    expected = {"br": b"brotli's bytes", "gzip": gzip.compress(b"let a = 1;"), None: b"let a = 1;"}
    assert sent[:3] == expected[encoding][:3]


async def test_what_a_client_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/keys")
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await client.get("/keys", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert (await client.get("/keys", headers={"if-none-match": '"other"'})).status_code == 200


async def test_each_encoding_has_its_own_etag(client: httpx.AsyncClient) -> None:
    plain = await client.get(ASSET, headers={"accept-encoding": "identity"})
    packed = await client.get(ASSET, headers={"accept-encoding": "gzip"})
    assert plain.headers["etag"] != packed.headers["etag"]


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    for path in ("/keys", ASSET):
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == got.headers["etag"]


async def test_a_page_runs_its_own_scripts_and_nothing_that_is_injected(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/keys")
    rules = answer.headers["content-security-policy"]
    inline = "document.title = 'keys'"
    digest = b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in rules
    assert "unsafe" not in rules
    assert "frame-ancestors 'none'" in rules
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_script_that_has_a_source_needs_no_hash() -> None:
    assert "sha256" not in policy(b'<script type="module" src="/a.js"></script>')


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/_astro/../../secret.txt",
        "/_astro/%2e%2e/%2e%2e/secret.txt",
        "/_astro/..%2f..%2fsecret.txt",
        "/%2fetc/passwd",
        "/.stamp",
        "/index.html",
        "/_astro/",
        "/_astro/app.Hash1234.js.gz",
    ],
)
async def test_nothing_but_what_was_built_has_an_address(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(httpx.URL(str(client.base_url), raw_path=path.encode()))
    assert answer.status_code in {400, 404}
    assert "outside" not in answer.text


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert "link.txt" not in read_folder(folder, {})


async def test_a_person_gets_a_page_where_there_is_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/nothing", {"accept": "*/*"}),
        ("/nothing", {"accept": "application/json"}),
        ("/api/nothing", BROWSER),
        ("/v1/nothing", BROWSER),
    ],
)
async def test_a_program_gets_an_error_that_it_can_read(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


async def test_pages_are_for_reading_only(client: httpx.AsyncClient) -> None:
    answer = await client.post("/keys", headers=BROWSER)
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_without_a_dashboard_every_page_says_how_to_build_it(tmp_path: Path) -> None:
    async for client in serving(tmp_path):
        for path in ("/", "/keys", "/login"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "make frontend" in answer.text
            assert (
                "'unsafe-inline'"
                not in answer.headers["content-security-policy"].partition("script-src")[2]
            )
