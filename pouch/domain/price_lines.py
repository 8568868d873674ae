"""The lines of ``pouch.yaml`` that would price a model that has no price."""

import json


def lines_to_price(provider: str, model: str) -> str:
    """YAML to paste; the operator fills in the amounts, in USD per million tokens."""
    return (
        "pricing:\n"
        "  tables:\n"
        f"    {provider}:\n"
        f"      {json.dumps(model, ensure_ascii=False)}: "
        '{input: "?", output: "?", max_output_tokens: 4096}'
    )
