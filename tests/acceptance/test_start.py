"""How ``pouch serve`` begins: it serves, or says in one clear line why not."""

import json
import re
import socket
import sqlite3
import subprocess
from contextlib import closing

import httpx
import pytest

from tests.fakes.gateway_process import ADMIN_TOKEN, Finished, GatewayProcess


def said_at_start(gateway: GatewayProcess, environ: dict[str, str]) -> str:
    before = gateway.log.read_text() if gateway.log.exists() else ""
    gateway.start(environ)
    said = gateway.log.read_text()[len(before) :]
    assert gateway.stop() == 0
    return said


def refused_to_start(gateway: GatewayProcess) -> Finished:
    finished = gateway.pouch("serve")
    assert finished.code == 1
    assert "Traceback" not in finished.output
    return finished


def test_a_port_in_use_is_one_line(own_gateway: GatewayProcess) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own_gateway.port))
        taken.listen()
        refused = refused_to_start(own_gateway)
    assert refused.output == (
        f"cannot listen on 127.0.0.1:{own_gateway.port}: Address already in use\n"
    )


@pytest.mark.parametrize("folder", ["/proc/pouch", "/dev/null/pouch"])
def test_a_store_that_cannot_be_written_is_one_line(
    own_gateway: GatewayProcess, folder: str
) -> None:
    text = own_gateway.config.read_text()
    own_gateway.config.write_text(text.replace("sqlite:///pouch.db", f"sqlite:///{folder}/x.db"))
    refused = refused_to_start(own_gateway)
    assert refused.output.count("\n") == 1
    assert f"The store at {folder}/x.db cannot be opened: " in refused.output


def test_a_store_that_another_holds_is_one_line(own_gateway: GatewayProcess) -> None:
    said_at_start(own_gateway, {})
    text = own_gateway.config.read_text()
    own_gateway.config.write_text(text.replace('pouch.db"}', 'pouch.db", busy_timeout_s: 0.1}'))
    with closing(sqlite3.connect(own_gateway.folder / "pouch.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused = refused_to_start(own_gateway)
    assert refused.output.count("\n") == 1
    assert "locked" in refused.output


def test_a_mistake_in_the_configuration_is_shown_with_its_line(
    own_gateway: GatewayProcess,
) -> None:
    own_gateway.config.write_text(own_gateway.config.read_text() + "  - {use: rate_limt}\n")
    line = len(own_gateway.config.read_text().splitlines())
    refused = refused_to_start(own_gateway)
    assert f"{own_gateway.config.name}:{line}: " in refused.output
    assert "'rate_limt'" in refused.output


def test_the_first_start_shows_a_token_and_a_command_that_works_and_the_second_none(
    own_gateway: GatewayProcess,
) -> None:
    own_gateway.start({"POUCH_ADMIN_TOKEN": ""})
    said = own_gateway.log.read_text()
    [token] = re.findall(r"pouch-admin-[\w-]{43}", said)
    authorized = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{own_gateway.url}/api/keys", headers=authorized).status_code == 200
    command = said[said.index("curl ") :].partition("\n\n")[0]
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["choices"][0]["message"]["content"]
    assert own_gateway.stop() == 0

    again = said_at_start(own_gateway, {"POUCH_ADMIN_TOKEN": ""})
    assert "Pouch listens" in again
    assert "pouch-" not in again.replace(own_gateway.config.name, "")


def test_a_token_of_the_environment_is_not_shown(own_gateway: GatewayProcess) -> None:
    said = said_at_start(own_gateway, {})
    assert "Admin token" not in said
    assert ADMIN_TOKEN not in said


def test_sanic_says_nothing_of_its_own(own_gateway: GatewayProcess) -> None:
    said = said_at_start(own_gateway, {})
    assert "Pouch listens" in said
    assert "sanic" not in said.lower()
    assert "worker" not in said.lower()
