"""What the administration API shows of the configuration."""

from pouch.api.admin.services import PipelineStep, ProviderView
from pouch.config import Config


def pipeline(settings: Config) -> list[PipelineStep]:
    """The chain, with the steps that are not enabled."""
    return [
        PipelineStep(
            name=step.name,
            use=step.use,
            enabled=step.enabled,
            config=step.config.model_dump(mode="json"),
            schema=step.plugin.config.model_json_schema(),
            reserves=step.plugin.reserves,
            calls_upstream=step.plugin.calls_upstream,
        )
        for step in settings.steps
    ]


def providers(settings: Config) -> list[ProviderView]:
    """The providers, and the models that lead to each."""
    return [
        ProviderView(
            name=provider.name,
            use=provider.plugin.name,
            off=provider.off,
            models=[m.alias for m in settings.models if m.provider == provider.name],
        )
        for provider in settings.providers
    ]
