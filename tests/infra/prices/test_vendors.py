"""Only HTTPS to a vendor's very host gets that vendor's prices."""

import pytest

from pouch.infra.prices.vendors import vendor_of


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.openai.com", "openai"),
        ("https://API.OpenAI.com:443/v1/", "openai"),
        ("https://api.anthropic.com/v1", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "google"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.x.ai/v1", "x-ai"),
        ("https://api.moonshot.ai/v1", "moonshotai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://router.huggingface.co/groq/openai/v1", "huggingface_groq"),
    ],
)
def test_the_vendor_of_an_official_address_is_known(url: str, vendor: str) -> None:
    assert vendor_of(url) == vendor


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "http://localhost:8000/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com:what/v1",
        "https://api.openai.com.evil.example/v1",
        "https://api.openai.community/v1",
        "https://api.openai.com@evil.example/v1",
        "https://api.openai.com\\@evil.example/v1",
        "https://evil.example/https://api.openai.com/v1",
        "https://evil.example/generativelanguage.googleapis.com",
        "https://evil.example/x.openai.azure.com",
        "https://evil-api.openai.com/v1",
        "https://api.moonshot.evil.example/v1",
        "https://router.huggingface.co/groqqy/v1",
        "https://[::1",
    ],
)
def test_any_other_address_has_no_vendor(url: str) -> None:
    assert vendor_of(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://mine.openai.azure.com/openai/v1",
        "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
        "https://europe-west4-aiplatform.googleapis.com/v1",
        "https://me--vllm.modal.run/v1",
    ],
)
def test_where_the_address_does_not_tell_the_price_no_vendor_is_assumed(url: str) -> None:
    assert vendor_of(url) is None
