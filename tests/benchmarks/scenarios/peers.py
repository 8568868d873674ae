"""The comparison with LiteLLM and Portkey in it, installed from their packages and thrown away.

They get the same requests and answers. Neither reserves: without a database LiteLLM knows no
budgets, and Portkey's open gateway knows none at all. One that cannot be installed or started is
reported, and the others are measured.
"""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Case, System
from tests.benchmarks.scenarios import comparison
from tests.benchmarks.scenarios.comparison import Entrant
from tests.benchmarks.servers import CHAT, Server, free_port

INSTALL_S: Final = 600
# Characters of what a peer that fails has to say.
WHY_MAX: Final = 300
CASES: Final = (
    Case("whole", 1, 100),
    Case("whole", 8, 300),
    Case("whole", 64, 500),
    Case("stream", 1, 20),
    Case("stream", 64, 128),
    Case("limited", 64, 64),
    Case("paced", 64, 64),
)
LITELLM: Final = """
model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: "{base}", api_key: none}}
  - model_name: bench-paced
    litellm_params: {{model: openai/bench-paced, api_base: "{base}", api_key: none}}
litellm_settings: {{telemetry: false}}
general_settings: {{master_key: {key}}}
"""


def run(bench: Bench) -> None:
    """Install what can be installed, then compare."""
    found = []
    for name, install in (("LiteLLM", _litellm), ("Portkey", _portkey)):
        try:
            version, launch = install(bench)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            why = " ".join(str(error).split())[-WHY_MAX:]
            bench.report.note(f"{name} cannot be measured here: ... {why}")
            continue
        bench.report.note(f"{name} {version}, without a database, so without budgets.")
        found.append(Entrant(name, launch, CASES, foreign=True))
    comparison.run(bench, tuple(found))


def _litellm(bench: Bench) -> tuple[str, comparison.Launch]:
    environment = bench.folder / "litellm"
    _run([sys.executable, "-m", "venv", str(environment)], bench.folder)
    _run([str(environment / "bin" / "pip"), "install", "--quiet", "litellm[proxy]"], bench.folder)
    shown = _run([str(environment / "bin" / "pip"), "show", "litellm"], bench.folder)
    config = environment / "config.yaml"
    key = "sk-" + secrets.token_hex(32)
    base = f"http://127.0.0.1:{bench.upstream}/v1"
    config.write_text(LITELLM.format(base=base, key=key), encoding="utf-8")

    def command(port: int) -> list[str]:
        program = str(environment / "bin" / "litellm")
        return [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]

    version = shown.partition("Version: ")[2].partition("\n")[0]
    return version, _launch(bench, "LiteLLM", environment, command, key=key)


def _portkey(bench: Bench) -> tuple[str, comparison.Launch]:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise RuntimeError("there is no npm")
    folder = bench.folder / "portkey"
    folder.mkdir()
    _run([npm, "install", "--silent", "--no-audit", "--no-fund", "@portkey-ai/gateway"], folder)
    package = folder / "node_modules" / "@portkey-ai" / "gateway"
    version = _run([node, "-p", f"require('{package}/package.json').version"], folder).strip()

    def command(port: int) -> list[str]:
        return [node, str(package / "build" / "start-server.js"), f"--port={port}", "--headless"]

    headers = (
        ("x-portkey-provider", "openai"),
        ("x-portkey-custom-host", f"http://127.0.0.1:{bench.upstream}/v1"),
    )
    return version, _launch(bench, "Portkey", folder, command, headers=headers)


def _launch(
    bench: Bench,
    name: str,
    folder: Path,
    command: Callable[[int], list[str]],
    *,
    key: str = "none",
    headers: tuple[tuple[str, str], ...] = (),
) -> comparison.Launch:
    @contextmanager
    def launch() -> Iterator[System]:
        port = free_port()
        environment = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1", "NODE_ENV": "production"}
        server = Server(command(port), {bench.core}, folder, environment)
        server.wait_for_port(port)
        yield System(name, f"http://127.0.0.1:{port}{CHAT}", server, [key], headers)
        server.stop()

    with launch():
        pass
    return launch


def _run(command: list[str], folder: Path) -> str:
    """What it prints; raises ``RuntimeError`` with its last words if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_S
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {(done.stdout + done.stderr)[-500:]}")
    return done.stdout
