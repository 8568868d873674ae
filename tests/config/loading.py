"""Loads a text as ``pouch.yaml``, with the fake plugins and a small environment."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pouch.config import Config, ConfigError, load
from pouch.domain.plugin import MiddlewarePlugin, ProviderPlugin
from pouch.registry import Registry
from tests.config.fake_plugins import MIDDLEWARES, PROVIDERS

SECRET = "S3cret-From-The-Environment"
ENVIRON: Mapping[str, str] = {
    "SECRET": SECRET,
    "PORT": "9000",
    "EMPTY": "",
    "NOT_UTF_8": "\udcff",
    "DOLLARS": "${SECRET} $$",
}
MIDDLEWARE_REGISTRY = Registry(MiddlewarePlugin, MIDDLEWARES, noun="middleware", installed=())
PROVIDER_REGISTRY = Registry(ProviderPlugin, PROVIDERS, noun="provider", installed=())

MINIMAL = "providers: {free: {use: free}}\nmodels: {m: free/m}\n"


def load_file(path: Path, environ: Mapping[str, str] = ENVIRON) -> Config:
    return load(path, MIDDLEWARE_REGISTRY, PROVIDER_REGISTRY, environ)


def load_text(text: str | bytes, folder: Path, environ: Mapping[str, str] = ENVIRON) -> Config:
    path = folder / "pouch.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_file(path, environ)


def mistakes_in(text: str | bytes, folder: Path) -> str:
    """What the operator reads, with the file's folder taken off."""
    with pytest.raises(ConfigError) as caught:
        load_text(text, folder)
    return str(caught.value).replace(f"{folder}/", "")
