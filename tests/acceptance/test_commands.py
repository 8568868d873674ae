"""The commands beside ``serve``: what they print, and their exit codes."""

import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess


def test_without_a_configuration_it_shows_one_that_works(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pouch.cli", "check"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout == ""
    first, _, shown = ran.stderr.partition("\n\n")
    assert first.startswith("There is no pouch.yaml here.")
    (tmp_path / "pouch.yaml").write_text(shown)
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_check_says_what_is_served_and_what_is_not(own_gateway: GatewayProcess) -> None:
    checked = own_gateway.pouch("check")
    assert checked.code == 0
    assert "ok; 4 models; chain: rate_limit -> budget_reset -> key_validation" in checked.output
    assert "model 'unpriced' has no price and will be refused; to price it:" in checked.output
    assert not (own_gateway.folder / "pouch.db").exists()


def test_keys_are_made_listed_used_and_revoked_beside_a_running_server(
    own_gateway: GatewayProcess,
) -> None:
    own_gateway.start()
    made = own_gateway.pouch("keys", "create", "robot", "--limit", "2.50", "--period", "month")
    assert made.code == 0
    secret = made.output.splitlines()[0]
    [key_id] = re.findall(r"key_\w+", made.output)
    headers = {"authorization": f"Bearer {secret}"}
    models = httpx.get(f"{own_gateway.url}/v1/models", headers=headers)
    assert models.status_code == 200
    listed = own_gateway.pouch("keys", "list")
    assert secret not in listed.output
    [line] = [line for line in listed.output.splitlines() if key_id in line]
    assert line.split()[1:] == ["robot", secret[:12], "0.00", "2.50"]
    assert own_gateway.pouch("keys", "revoke", key_id).code == 0
    refused = own_gateway.pouch("keys", "revoke", key_id)
    assert refused.code == 1
    assert f"There is no key '{key_id}'." in refused.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["keys", "create", "x", "--limit", "much"], 1, "--limit: "),
        (["keys", "create", "x", "--limit=-1"], 1, "--limit: must not be negative"),
        (["keys", "create", "x", "--limit", "1", "--time-zone", "UTC"], 1, "time zone"),
        (["keys", "revoke", "nobody"], 1, "There is no key 'nobody'."),
        (["keys"], 2, "usage: "),
        (["dance"], 2, "usage: "),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    own_gateway: GatewayProcess, arguments: list[str], code: int, said: str
) -> None:
    refused = own_gateway.pouch(*arguments)
    assert refused.code == code
    assert said in refused.output
    assert "Traceback" not in refused.output


def test_verify_finds_books_that_were_tampered_with(own_gateway: GatewayProcess) -> None:
    own_gateway.start()
    own_gateway.create_key("app", "1")
    assert own_gateway.stop() == 0
    good = own_gateway.pouch("verify")
    assert (good.code, "The books balance." in good.output) == (0, True)
    with closing(sqlite3.connect(own_gateway.folder / "pouch.db")) as store, store:
        store.execute("UPDATE pouches SET spent_nanos = 1 WHERE name = 'app'")
    bad = own_gateway.pouch("verify")
    assert bad.code == 1
    assert "do not balance: 1 discrepancies" in bad.output


def test_help_comes_without_the_gateway_being_imported() -> None:
    program = "import sys; sys.argv = ['pouch', '--help']\nfrom pouch import cli\ncli.main()"
    loaded = f"import atexit, sys\natexit.register(lambda: print(sorted(sys.modules)))\n{program}"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "serve" in ran.stdout
    for slow in ("'sanic'", "'pydantic'", "'httpx'", "'tiktoken'", "'genai_prices'"):
        assert slow not in ran.stdout


def test_a_new_keys_secret_alone_goes_to_standard_output(own_gateway: GatewayProcess) -> None:
    command = [sys.executable, "-m", "pouch.cli", "keys", "create", "app"]
    made = subprocess.run(
        [*command, "--config", str(own_gateway.config)],
        cwd=own_gateway.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"pouch-[\w-]{43}\n", made.stdout)
    assert "shown this once" in made.stderr


def test_a_reader_that_has_had_enough_is_no_error(own_gateway: GatewayProcess) -> None:
    command = shlex.join(
        [sys.executable, "-m", "pouch.cli", "check", "--config", str(own_gateway.config)]
    )
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | true"],
        cwd=own_gateway.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
