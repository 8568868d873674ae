from pathlib import Path

import pytest

from pouch import middlewares, providers
from pouch.config import Config, ConfiguredModel, load
from pouch.domain.pricing import Rates
from pouch.registry import middleware_registry, provider_registry
from tests.config.fake_plugins import Limit
from tests.config.loading import MINIMAL, SECRET, load_text

ROOT = Path(__file__).parents[2]
PAID = "providers: {shop: {use: paid, api_key: '${SECRET}'}}\nmodels: {m: shop/m}\n"
OFF = "providers: {shop: {use: paid, api_key: '${EMPTY}'}}\nmodels: {m: shop/m}\n"


def repository_config(**environ: str) -> Config:
    return load(
        ROOT / "pouch.yaml",
        middleware_registry(middlewares.BUILTIN),
        provider_registry(providers.BUILTIN),
        environ,
    )


def test_what_is_left_out_has_the_documented_default(tmp_path: Path) -> None:
    config = load_text(MINIMAL, tmp_path)
    assert config.server.model_dump() == {
        "host": "127.0.0.1",
        "port": 8080,
        "workers": 1,
        "drain_s": 30,
        "body_bytes_max": 33_554_432,
        "answer_bytes_max": 67_108_864,
        "concurrent_requests_max": 1000,
        "allow_unmetered": False,
    }
    assert config.http.model_dump() == {
        "transport": "auto",
        "connect_s": 10,
        "write_s": 30,
        "first_byte_s": 600,
        "read_s": 120,
        "pool_s": 10,
        "total_s": 3600,
        "connections_max": 1000,
    }
    assert config.settlement.model_dump() == {"on_disconnect": "cancel", "drain_s": 30}
    assert config.store.synchronous == "full"
    assert config.store.busy_timeout_s == 5
    assert config.price_tables == ()
    assert config.steps == ()


def test_a_section_that_is_left_empty_has_its_defaults(tmp_path: Path) -> None:
    config = load_text(MINIMAL + "server:\nhttp:\npricing:\nmiddlewares:\n", tmp_path)
    assert config.server.port == 8080


def test_the_store_is_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    assert load_text(MINIMAL, tmp_path).store.path == tmp_path / "data/pouch.db"


def test_four_slashes_begin_a_full_path(tmp_path: Path) -> None:
    config = load_text(MINIMAL + "store: {url: 'sqlite:////var/pouch.db'}\n", tmp_path)
    assert config.store.path == Path("/var/pouch.db")


def test_a_file_named_from_the_working_directory_still_gives_a_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_text(MINIMAL, Path()).store.path == tmp_path / "data/pouch.db"


def test_a_number_may_come_from_the_environment(tmp_path: Path) -> None:
    text = MINIMAL + "server: {port: '${PORT}', drain_s: '${NOPE:-2.5}'}\n"
    server = load_text(text, tmp_path).server
    assert (server.port, server.drain_s) == (9000, 2.5)


def test_what_comes_from_the_environment_is_not_expanded_again(tmp_path: Path) -> None:
    text = MINIMAL + "middlewares: [{use: router, callback: '${V}'}]\n"
    config = load_text(text, tmp_path, {"V": "${v} $$"})
    assert config.steps[0].config.model_dump()["callback"] == "${v} $$"


def test_steps_keep_their_order_and_say_where_they_stand(tmp_path: Path) -> None:
    text = MINIMAL + (
        "middlewares:\n"
        "  - router\n"
        "  - {use: limit, requests: 5, name: outer}\n"
        "  - {use: limit, requests: 9, enabled: false}\n"
    )
    steps = load_text(text, tmp_path).steps
    assert [(step.name, step.enabled, step.line) for step in steps] == [
        ("router", True, 4),
        ("outer", True, 5),
        ("limit", False, 6),
    ]
    assert steps[1].config == Limit(requests=5, per_s=60)


def test_a_plugin_can_be_named_by_its_path(tmp_path: Path) -> None:
    text = MINIMAL + "middlewares: ['pouch.middlewares.usage_tracking:PLUGIN']\n"
    assert load_text(text, tmp_path).steps[0].plugin.reserves


def test_a_provider_without_its_secret_is_off_and_its_models_are_unavailable(
    tmp_path: Path,
) -> None:
    config = load_text(OFF, tmp_path)
    assert config.providers[0].off == "no api_key"
    assert config.unavailable == ((ConfiguredModel("m", "shop", "m"), "no api_key"),)
    assert config.paid_models == ()


def test_a_paid_provider_behind_a_step_that_reserves_is_allowed(tmp_path: Path) -> None:
    config = load_text(PAID + "middlewares: [reserve, retry]\n", tmp_path)
    assert config.paid_models == (ConfiguredModel("m", "shop", "m"),)
    assert config.unavailable == ()


@pytest.mark.parametrize("middlewares", ["[]", "[retry, reserve]"])
def test_an_unmetered_chain_starts_only_if_the_file_says_so(
    middlewares: str, tmp_path: Path
) -> None:
    text = PAID + f"middlewares: {middlewares}\nserver: {{allow_unmetered: true}}\n"
    assert load_text(text, tmp_path).server.allow_unmetered


def test_where_nothing_can_cost_money_nothing_need_be_reserved(tmp_path: Path) -> None:
    assert load_text(OFF + "middlewares: [retry]\n", tmp_path).steps
    assert load_text(MINIMAL + "middlewares: [retry]\n", tmp_path).steps


def test_a_disabled_step_that_calls_upstream_is_no_danger(tmp_path: Path) -> None:
    text = PAID + "middlewares: [{use: retry, enabled: false}, reserve]\n"
    assert len(load_text(text, tmp_path).steps) == 2


def test_a_wildcard_leads_to_a_wildcard(tmp_path: Path) -> None:
    text = "providers: {free: {use: free}}\nmodels: {'router/*': 'free/vendor/*'}\n"
    assert load_text(text, tmp_path).models == (ConfiguredModel("router/*", "free", "vendor/*"),)


def test_the_configuration_never_shows_a_plugins_config(tmp_path: Path) -> None:
    config = load_text(
        PAID + "middlewares: [reserve, {use: router, callback: 'xyzzy'}]\n", tmp_path
    )
    assert SECRET not in repr(config)
    assert "xyzzy" not in repr(config)


def test_the_file_in_the_repository_runs_without_any_environment() -> None:
    config = repository_config()
    assert {provider.name: provider.off is None for provider in config.providers} == {
        "openai": False,
        "mock": True,
    }
    assert [(step.name, step.enabled) for step in config.steps] == [
        ("rate_limit", True),
        ("budget_reset", True),
        ("key_validation", True),
        ("usage_tracking", True),
        ("mock", False),
    ]
    price = config.price_tables[0]["openai"]["gpt-4o-mini"]
    assert price.rates == Rates(input=150_000_000, cached_input=75_000_000, output=600_000_000)
    assert price.max_output_tokens == 16_384
    assert config.store.path == ROOT / "data/pouch.db"


def test_the_file_in_the_repository_serves_openai_once_its_key_is_there() -> None:
    config = repository_config(OPENAI_API_KEY="sk-a-key")
    assert config.unavailable == ()
    assert [model.alias for model in config.paid_models] == ["gpt-4o-mini"]


def test_the_file_in_the_repository_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    lines = (ROOT / "pouch.yaml").read_text(encoding="utf-8").splitlines()
    shown = "\n".join(uncommented(line) for line in lines)
    sections = ("server:", "store:", "http:", "settlement:")
    blocks = [block for block in shown.split("\n\n") if block.startswith(sections)]
    written = load_text(MINIMAL + "\n".join(blocks) + "\n", tmp_path)
    defaults = load_text(MINIMAL, tmp_path)
    assert written.store == defaults.store
    for section in ("server", "http", "settlement"):
        model = getattr(written, section)
        assert model.model_fields_set == type(model).model_fields.keys()
        assert model == getattr(defaults, section)


def uncommented(line: str) -> str:
    if line.startswith("# "):
        return line[2:]
    return line.replace("  # ", "  ", 1) if line.startswith("  # ") else line
