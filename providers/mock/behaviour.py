"""How the mock answers, and how it misbehaves if it is asked to."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

WAIT_S_MAX: Final = 600
WORDS_MAX: Final = 20_000
TEXT_LENGTH_MAX: Final = 65_536


class Config(BaseModel):
    """``{use: mock}`` answers at once and in full; every field is a way to do otherwise.

    "After n" means after n events, the first of which says the role. An answer that is no stream
    counts as two halves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str | None = Field(
        default=None,
        max_length=TEXT_LENGTH_MAX,
        description="What to answer; without it, an echo of what the user said last.",
    )
    chunks: int | None = Field(
        default=None,
        gt=0,
        le=WORDS_MAX,
        description="In how many events the text of a stream comes; without a text, its words.",
    )
    output_tokens: int | None = Field(
        default=None, ge=0, le=WORDS_MAX, description="Say so many words, whatever the limit."
    )
    usage: Literal["none", "wrong"] | dict[str, object] | None = Field(
        default=None, description="Report no usage, nonsense, or exactly this."
    )
    delay_s: float = Field(default=0, ge=0, le=WAIT_S_MAX, description="Before the answer begins.")
    chunk_delay_s: float = Field(default=0, ge=0, le=WAIT_S_MAX, description="Before each event.")
    stall_after: int | None = Field(
        default=None, ge=0, description="Fall silent after n, and give up after stall_s."
    )
    stall_s: float = Field(
        default=WAIT_S_MAX, ge=0, le=WAIT_S_MAX, description="How long a stall lasts."
    )
    cut_after: int | None = Field(default=None, ge=0, description="Break off after n.")
    error_after: int | None = Field(
        default=None, ge=0, description="Send an error event after n, and end; whole: an error."
    )
    status: int | None = Field(
        default=None, ge=400, le=599, description="Refuse with this HTTP status."
    )
    strange: bool = Field(default=False, description="Answer 200 with a page of HTML.")
    connection: Literal["refused", "lost", "timeout"] | None = Field(
        default=None, description="No answer at all: never reached, lost after sending, too slow."
    )
