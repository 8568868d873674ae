import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pouch.domain.plugin import AnyMiddlewarePlugin, MiddlewarePlugin
from pouch.registry import (
    PluginClashError,
    PluginNotFoundError,
    Registry,
    middleware_registry,
    provider_registry,
)
from tests.config.fake_plugins import MIDDLEWARES, PROVIDERS

GROUP = "pouch.middlewares"
GUARDS = """
from tests.config.fake_plugins import MIDDLEWARES, PROVIDERS
PLUGIN = MIDDLEWARES[0]
PROVIDER = PROVIDERS[0]
"""


def registry(*installed: EntryPoint) -> Registry[AnyMiddlewarePlugin]:
    return Registry(MiddlewarePlugin, MIDDLEWARES, noun="middleware", installed=installed)


@pytest.fixture
def guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A third party's module that nothing has imported yet."""
    (tmp_path / "third_party_guards.py").write_text(GUARDS)
    (tmp_path / "third_party_broken.py").write_text("def broken(:")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "third_party_guards", raising=False)
    return "third_party_guards"


def test_a_built_in_is_found_by_its_name() -> None:
    assert registry().get("limit") is MIDDLEWARES[0]


def test_an_installed_plugin_is_imported_only_when_it_is_named(guards: str) -> None:
    found = registry(EntryPoint("guard", f"{guards}:PLUGIN", GROUP))
    assert "guard" in found.names()
    found.get("limit")
    assert guards not in sys.modules
    assert found.get("guard") is MIDDLEWARES[0]


def test_a_path_names_a_plugin_that_is_not_installed(guards: str) -> None:
    assert registry().get(f"{guards}:PLUGIN") is MIDDLEWARES[0]


def test_an_installed_plugin_that_claims_a_built_in_name_stops_start_up(guards: str) -> None:
    with pytest.raises(PluginClashError, match=r"'limit' \(third_party_guards:PLUGIN\)"):
        registry(EntryPoint("limit", f"{guards}:PLUGIN", GROUP))


def test_a_name_that_two_packages_claim_means_neither(guards: str) -> None:
    one, two = (EntryPoint("guard", f"{guards}:{name}", GROUP) for name in ("PLUGIN", "OTHER"))
    found = registry(one, two)
    with pytest.raises(PluginNotFoundError, match="more than one installed middleware"):
        found.get("guard")


def test_a_package_that_is_listed_twice_is_one_package(guards: str) -> None:
    entry = EntryPoint("guard", f"{guards}:PLUGIN", GROUP)
    assert registry(entry, entry).get("guard") is MIDDLEWARES[0]


def test_an_unknown_name_is_answered_with_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(PluginNotFoundError) as caught:
        registry().get("limt")
    assert str(caught.value) == (
        "no middleware 'limt'; known: limit, named, open, reserve, retry, router, schemaless; "
        "did you mean 'limit'?"
    )


@pytest.mark.parametrize(
    "name",
    ["", ":", "a:", ":a", "a b:c", "..x:y", "a.:b", "a:b-c", "os.path", "\0:x", "a:b\n", "1a:b"],
)
def test_what_is_no_path_is_not_imported(name: str) -> None:
    with pytest.raises(PluginNotFoundError, match="no middleware"):
        registry().get(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_module_here:PLUGIN", "No module named"),
        ("third_party_guards:NOTHING", "has no attribute 'NOTHING'"),
        ("third_party_broken:PLUGIN", "invalid syntax"),
        ("third_party_guards:PROVIDER", "is not a middleware"),
        ("json:dumps", "is not a middleware"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    name: str, reason: str, guards: str
) -> None:
    with pytest.raises(PluginNotFoundError, match=reason):
        registry().get(name)


def test_the_registries_hold_what_they_are_given() -> None:
    assert middleware_registry(MIDDLEWARES).get("limit") is MIDDLEWARES[0]
    assert provider_registry(PROVIDERS).get("free") is PROVIDERS[1]
