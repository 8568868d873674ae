"""The sections of ``pouch.yaml`` that are not plugins': what they take, and their defaults.

Durations are seconds, sizes are bytes.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DAY_S = 86_400
MIB = 1024 * 1024


def _not_a_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic reports ValueErrors only
    return value


# A number may stand in quotes, since what a variable expands to is text; true is not 1, though.
Whole = Annotated[int, BeforeValidator(_not_a_bool)]
Number = Annotated[float, BeforeValidator(_not_a_bool)]


class Section(BaseModel):
    """What every section is: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Server(Section):
    """Where the gateway listens, and how much it takes on at once."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    port: Whole = Field(
        default=8080, ge=0, le=65_535, description="0 lets the operating system choose."
    )
    workers: Whole = Field(default=1, gt=0, le=256, description="Processes.")
    drain_s: Number = Field(
        default=30, ge=0, le=DAY_S, description="How long streams may go on at shutdown."
    )
    body_bytes_max: Whole = Field(
        default=32 * MIB, gt=0, le=1024 * MIB, description="Largest body of a request."
    )
    answer_bytes_max: Whole = Field(
        default=64 * MIB, gt=0, le=1024 * MIB, description="Largest answer that is not a stream."
    )
    concurrent_requests_max: Whole = Field(
        default=1000, gt=0, le=1_000_000, description="Requests at work at once; more get a 503."
    )
    allow_unmetered: bool = Field(
        default=False,
        description="Start even though the chain lets paid calls through that reserve nothing.",
    )


class Http(Section):
    """How providers are spoken to."""

    transport: Literal["auto", "lean", "httpx"] = "auto"
    connect_s: Number = Field(default=10, gt=0, le=DAY_S)
    write_s: Number = Field(default=30, gt=0, le=DAY_S)
    first_byte_s: Number = Field(default=600, gt=0, le=DAY_S)
    read_s: Number = Field(
        default=120, gt=0, le=DAY_S, description="Longest silence inside an answer."
    )
    pool_s: Number = Field(
        default=10, gt=0, le=DAY_S, description="Longest wait for a free connection."
    )
    total_s: Number = Field(default=3600, gt=0, le=DAY_S)
    connections_max: Whole = Field(default=1000, gt=0, le=1_000_000)


class Settlement(Section):
    """What happens when a client goes away in the middle of an answer."""

    on_disconnect: Literal["cancel", "drain"] = Field(
        default="cancel", description="Give the answer up, or read on to the usage it reports."
    )
    drain_s: Number = Field(default=30, ge=0, le=DAY_S, description="How long to read on, at most.")


class Idempotency(Section):
    """How long a request that was sent with an ``Idempotency-Key`` may be sent again."""

    ttl_s: Number = Field(
        default=DAY_S, ge=1, le=30 * DAY_S, description="How long an answer is kept."
    )
    wait_s: Number = Field(
        default=60, gt=0, le=3600, description="How long a retry waits for the one at work."
    )
    answer_bytes_max: Whole = Field(
        default=4 * MIB, gt=0, le=256 * MIB, description="Largest answer that is kept."
    )
    total_bytes_max: Whole = Field(
        default=256 * MIB, ge=MIB, le=1024 * 1024 * MIB, description="All records together."
    )


class PricingSection(Section):
    """Prices that come before the ones that are installed."""

    file: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="A YAML or JSON file that holds what `tables` holds."
    )
    tables: Any = None


class ProviderKeys(Section):
    """What the gateway reads of a provider; the other keys are its plugin's."""

    use: str


class StepKeys(Section):
    """What the gateway reads of a step; the other keys are its plugin's."""

    use: str
    enabled: bool = True
    name: str | None = Field(default=None, pattern=r"^[\w.:-]{1,100}$")
