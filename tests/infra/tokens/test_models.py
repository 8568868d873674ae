import pytest

from pouch.infra.tokens.models import encoding_of, hidden_reasoning_of


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4.1-nano", "gpt-4.5-preview", "gpt-5",
        "gpt-5.4-pro", "gpt-6-astra", "gpt-6.1-sol", "o1", "o3-mini", "o4-mini-2025-04-16",
        "chatgpt-4o-latest", "openai/gpt-4o", "ft:gpt-4o-mini-2024-07-18:org::id", "GPT-4o",
    ],
)  # fmt: skip
def test_newer_openai_models_count_by_o200k(model: str) -> None:
    assert encoding_of(model) == "o200k_base"


@pytest.mark.parametrize(
    "model", ["gpt-4", "gpt-4-turbo-2024-04-09", "gpt-4-32k", "gpt-3.5-turbo", "gpt-35-turbo"]
)
def test_older_openai_models_count_by_cl100k(model: str) -> None:
    assert encoding_of(model) == "cl100k_base"


@pytest.mark.parametrize(
    "model",
    [
        "claude-opus-4-8", "gemini-3-pro", "llama-4", "gpt-oss-120b", "gpt-4.2", "gpt-45", "gpt-50",
        "o10", "o1x", "foo-gpt-4o", "someone/gpt-4o", "",
    ],
)  # fmt: skip
def test_a_model_whose_vocabulary_is_not_published_has_none(model: str) -> None:
    assert encoding_of(model) is None


@pytest.mark.parametrize(
    "model",
    [
        "o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini", "gpt-5.1-chat-latest", "gpt-6-astra",
        "openai/o3", "codex-mini-latest", "google/gemini-2.5-flash", "gemini-3-pro", "x-ai/grok-4",
    ],
)  # fmt: skip
def test_models_that_reason_unseen_are_known(model: str) -> None:
    assert hidden_reasoning_of(model)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o", "gpt-4.1", "gpt-4", "gpt-5-chat-latest", "o10", "gemini-2.0-flash", "llama-4",
        "grok-4-fast-non-reasoning", "deepseek-reasoner", "",
    ],
)  # fmt: skip
def test_models_that_show_all_that_they_bill_are_known(model: str) -> None:
    assert not hidden_reasoning_of(model)
