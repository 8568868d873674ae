"""OpenAI, and every server that speaks its chat completions: name another ``base_url``."""

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from pouch.domain.pipeline import Request
from pouch.domain.plugin import BuiltProvider, ProviderPlugin, ProviderPorts
from pouch.domain.provider import UpstreamRequest
from pouch.providers.chat_completions.dialect import ChatCompletions
from pouch.providers.chat_completions.outgoing import LimitName, outgoing_body

# Hosts (and those below them) whose newest models refuse "max_tokens"; other servers know it best.
MAX_COMPLETION_TOKENS_HOSTS: Final = ("api.openai.com", "openai.azure.com")

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
_URL: Final = re.compile(r"[\x21-\x7e]+")
# Headers that this provider sends by itself, or that belong to the connection.
_RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)


def _checked_url(url: str) -> str:
    """``url`` without a slash at its end.

    Raises:
        ValueError: it is not the base of an HTTP API. The message does not repeat it, since a
            password may be in it.
    """
    if not _URL.fullmatch(url):
        raise ValueError("must be a URL, without blanks")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user or password; use api_key or headers")
    if "?" in url or "#" in url:
        raise ValueError("must have no query and no fragment")
    if parts.port == 0:
        raise ValueError("must not name port 0")
    return url.rstrip("/")


def _checked_names(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    """``headers`` with names in lower case.

    Raises:
        ValueError: a name is none, is there twice, or is not for the operator to set.
    """
    lowered: dict[str, SecretStr] = {}
    for name, value in headers.items():
        key = name.lower()
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if key in _RESERVED:
            raise ValueError(f"{key!r} is set by Pouch itself")
        if key in lowered:
            raise ValueError(f"{key!r} is there twice")
        lowered[key] = value
    return lowered


class Config(BaseModel):
    """``{use: openai, api_key: "${OPENAI_API_KEY:-}"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    api_key: SecretStr = Field(default=SecretStr(""), description="The vendor's secret.")
    requires_key: bool = Field(
        default=True, description="false for a local server that takes requests without a key."
    )
    base_url: Annotated[str, AfterValidator(_checked_url)] = Field(
        default="https://api.openai.com/v1", description="Where the API is, with its version."
    )
    output_limit: Literal["auto", "max_completion_tokens", "max_tokens"] = Field(
        default="auto",
        description="What the server calls its output limit; auto: max_completion_tokens at "
        "OpenAI and Azure, max_tokens elsewhere.",
    )
    stream_usage: bool = Field(
        default=True,
        description="Ask for usage at the end of a stream; false for a server that refuses that. "
        "Streams are then counted.",
    )
    headers: Annotated[dict[str, SecretStr], AfterValidator(_checked_names)] = Field(
        default_factory=dict, description="More headers to send with every request."
    )
    organization: str | None = Field(
        default=None, pattern=r"^[\x21-\x7e]+$", description="Whom OpenAI is to bill."
    )
    project: str | None = Field(
        default=None, pattern=r"^[\x21-\x7e]+$", description="The project OpenAI is to bill."
    )


class OpenAI(ChatCompletions):
    """Prepares requests and reads answers. Holds nothing that changes."""

    def __init__(self, config: Config) -> None:
        self._url = f"{config.base_url}/chat/completions"
        self._headers = _headers(config)
        self._limit_name = _limit_name(config)
        self._ask_usage = config.stream_usage

    def prepare(self, request: Request) -> UpstreamRequest:
        content = outgoing_body(request, limit_name=self._limit_name, ask_usage=self._ask_usage)
        return UpstreamRequest("POST", self._url, self._headers, content)


def _headers(config: Config) -> tuple[tuple[str, str], ...]:
    """What goes with every request; nothing that a client sent is among it."""
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"pouch/{_version()}",
    }
    if key := _key(config):
        headers["authorization"] = f"Bearer {key}"
    if config.organization is not None:
        headers["openai-organization"] = config.organization
    if config.project is not None:
        headers["openai-project"] = config.project
    headers.update({name: value.get_secret_value() for name, value in config.headers.items()})
    return tuple(headers.items())


def _limit_name(config: Config) -> LimitName:
    if config.output_limit != "auto":
        return config.output_limit
    host = urlsplit(config.base_url).hostname or ""
    if any(host == known or host.endswith(f".{known}") for known in MAX_COMPLETION_TOKENS_HOSTS):
        return "max_completion_tokens"
    return "max_tokens"


def _key(config: Config) -> str:
    """The secret, without the newline that reading it from a file leaves."""
    return config.api_key.get_secret_value().strip()


def _version() -> str:
    try:
        return version("pouch-ai")
    except PackageNotFoundError:
        return "source"


def _off(config: Config) -> str | None:
    """Why this provider cannot serve.

    A secret that no header can carry is told here and not by the config model, whose errors quote
    what they refuse.
    """
    if config.requires_key and not _key(config):
        return (
            "it has no api_key: set the environment variable that pouch.yaml names there "
            "(OPENAI_API_KEY for OpenAI), or requires_key: false if the server takes none"
        )
    if _key(config) and not _VALUE.fullmatch(_key(config)):
        return "its api_key holds characters that no HTTP header can carry"
    for name, value in config.headers.items():
        if not _VALUE.fullmatch(value.get_secret_value()):
            return f"its header {name!r} is empty or holds what no HTTP header can carry"
    return None


def _build(config: Config, ports: ProviderPorts) -> BuiltProvider:
    probe = UpstreamRequest("GET", f"{config.base_url}/models", _headers(config), b"")
    return BuiltProvider(OpenAI(config), ports.transport, probe)


PLUGIN = ProviderPlugin("openai", Config, _build, off=_off, base_url=lambda config: config.base_url)
