"""The dashboard's TypeScript types are those of the API as it is now."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pouch.api.admin.describe import described
from tests.api.admin.conftest import Admin

FRONT = Path(__file__).resolve().parents[3] / "frontend"
GENERATOR = FRONT / "node_modules/openapi-typescript/bin/cli.js"
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="there is no Node on this machine")
@pytest.mark.skipif(not GENERATOR.is_file(), reason="frontend/node_modules is missing")
def test_the_types_are_made_from_the_document_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes(described())
    subprocess.run(
        [str(NODE), str(GENERATOR), "openapi.json", "--default-non-nullable=false", "-o", "made"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    made = (tmp_path / "made").read_text(encoding="utf-8")
    kept = (FRONT / "src/lib/api/schema.d.ts").read_text(encoding="utf-8")
    assert made == kept, "the API has changed: cd frontend && npm run types"


async def test_the_document_is_the_one_that_the_gateway_shows(admin: Admin) -> None:
    assert described() == (await admin.stranger.get("/api/openapi.json")).content
