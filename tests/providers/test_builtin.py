"""The list of built-in providers."""

from pouch.providers import BUILTIN


def test_the_built_in_providers_are_listed_in_order() -> None:
    assert [plugin.name for plugin in BUILTIN] == ["mock", "openai"]


def test_every_field_that_can_be_configured_says_what_it_is() -> None:
    for plugin in BUILTIN:
        for name, field in plugin.config.model_fields.items():
            assert field.description, f"{plugin.name}.{name}"


def test_no_config_takes_what_it_does_not_know() -> None:
    for plugin in BUILTIN:
        assert plugin.config.model_config["extra"] == "forbid"
        assert plugin.config.model_config["frozen"] is True
