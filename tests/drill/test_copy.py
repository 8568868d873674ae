"""The copy that is drilled: the operator's in all that matters, and harmless."""

from pathlib import Path

import pytest
import yaml

from pouch import bootstrap
from pouch.config import ConfigError
from pouch.drill.copy import copy_of, with_unknown_step

ORIGINAL = """
server: {host: 0.0.0.0, port: 80, workers: 64, concurrent_requests_max: 77}
store: {url: "sqlite:////var/lib/pouch/real.db"}
settlement: {on_disconnect: drain}
alerts:
  webhooks: [{url: "${ALERTS_URL}", secret: "${ALERTS_SECRET_OF_MINE}"}]
providers:
  openai: {use: openai, api_key: "${OPENAI_KEY_OF_MINE}"}
  drill: {use: mock}
models:
  gpt-4o: openai/gpt-4o
  mine: openai/mine
  gratis: drill/gratis
  oddity: openai/nobody-knows-it
pricing:
  tables:
    openai: {mine: {input: "1.5", cached_input: "0.1", output: "3", max_output_tokens: 99}}
middlewares:
  - {use: rate_limit, requests: 7, per_s: 5}
  - {use: usage_tracking, name: reserve-me}
"""


def written(folder: Path, text: str = ORIGINAL) -> Path:
    path = folder / "original.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "drill"
    folder.mkdir()
    return folder


def test_the_chain_and_the_settings_are_the_operators(tmp_path: Path, folder: Path) -> None:
    settings = copy_of(written(tmp_path), folder, 1234).settings
    assert [step.name for step in settings.steps] == ["rate_limit", "reserve-me"]
    assert settings.steps[0].config.model_dump()["requests"] == 7
    assert settings.settlement.on_disconnect == "drain"
    assert settings.server.concurrent_requests_max == 77


def test_the_store_the_address_and_the_providers_are_the_drills(
    tmp_path: Path, folder: Path
) -> None:
    settings = copy_of(written(tmp_path), folder, 1234).settings
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 1234)
    assert settings.server.workers == 4
    assert settings.store.path == folder / "pouch.db"
    assert settings.alerts.webhooks == ()
    assert {provider.plugin.name for provider in settings.providers} == {"witness"}
    assert {provider.name for provider in settings.providers} >= {"openai", "drill"}


def test_every_model_keeps_its_price_whatever_it_came_from(tmp_path: Path, folder: Path) -> None:
    original = written(tmp_path)
    copy = copy_of(original, folder, 1234)
    assert copy.prices["gpt-4o"].rates.input == 2_500_000_000
    assert copy.prices["gpt-4o"].encoding == "o200k_base"
    mine = copy.prices["mine"]
    assert (mine.rates.cached_input, mine.max_output_tokens) == (100_000_000, 99)
    assert set(copy.models.priced) == {"gpt-4o", "mine"}
    assert "oddity" in copy.models.unpriced
    assert "gratis" in copy.models.free
    assert not copy.notes


def test_no_secret_of_a_provider_is_in_the_copy(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_KEY_OF_MINE", "sk-really-secret")
    copy = copy_of(written(tmp_path), folder, 1234)
    assert "sk-really-secret" not in copy.path.read_text()
    assert {"OPENAI_KEY_OF_MINE", "ALERTS_SECRET_OF_MINE"} <= copy.variables


def test_what_the_environment_gives_a_step_is_not_expanded_again(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXT", "${HOME} and $$")
    text = ORIGINAL + '  - {use: mock, reply: "${TEXT}"}\n'
    copy = copy_of(written(tmp_path, text), folder, 1234)
    assert copy.settings.steps[-1].config.model_dump()["reply"] == "${HOME} and $$"


def test_a_configuration_of_free_models_is_drilled_with_a_price_and_says_so(
    tmp_path: Path, folder: Path
) -> None:
    free = """
providers: {mock: {use: mock}}
models: {mock: mock/mock}
middlewares: [usage_tracking]
"""
    copy = copy_of(written(tmp_path, free), folder, 1234)
    assert copy.models.priced == ["drill-priced"]
    assert not copy.prices["drill-priced"].is_free
    assert copy.prices["mock"].is_free
    assert "No model of this configuration costs anything" in copy.notes[0]
    assert copy.gives_up is None


def test_a_chain_without_reservation_is_noted(tmp_path: Path, folder: Path) -> None:
    text = ORIGINAL.replace("- {use: usage_tracking, name: reserve-me}", "- budget_reset")
    with pytest.raises(ConfigError):
        copy_of(written(tmp_path, text), folder, 1234)
    allowed = text.replace("workers: 64", "workers: 64, allow_unmetered: true")
    copy = copy_of(written(tmp_path, allowed), folder, 1234)
    assert copy.gives_up is not None


def test_a_step_that_there_is_not_is_added_to_another_file(tmp_path: Path, folder: Path) -> None:
    copy = copy_of(written(tmp_path), folder, 1234)
    path = with_unknown_step(copy)
    assert len(yaml.safe_load(path.read_text())["middlewares"]) == 3
    with pytest.raises(ConfigError, match="no_such_guard"):
        bootstrap.load_config(path)
