"""OpenAI's chat completions on the wire, which many vendors speak: shared by those providers."""
