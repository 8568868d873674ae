"""What a model's name tells: the vocabulary that counts its text, and whether it reasons unseen.

Only OpenAI publishes its vocabularies. Of any other model nothing but the byte bound is true.
"""

import re
from functools import lru_cache
from typing import Final

# A name goes on after its family with a version, a size or a date, never with a letter or digit:
# "o1-mini" is of the family "o1", "o10" and "gpt-45" are of none that is known.
_END: Final = r"(?![0-9a-z])"
_O200K: Final = re.compile(rf"(chatgpt-4o|gpt-4o|gpt-4\.[15]|gpt-5|gpt-6|o[134]){_END}")
_CL100K: Final = re.compile(r"(gpt-4|gpt-3\.5|gpt-35)(?![0-9a-z.])")
_HIDDEN_REASONING: Final = re.compile(
    rf"(o[134]|gpt-5|gpt-6|codex|computer-use|gemini-2\.5|gemini-[3-9]|grok-4){_END}"
)
# Names whose answer is remembered.
NAMES_MAX: Final = 1024
_SHOWS_ALL: Final = re.compile(r"gpt-5-chat|grok-4.*non-reasoning")


@lru_cache(maxsize=NAMES_MAX)
def encoding_of(model: str) -> str | None:
    """The vocabulary of an OpenAI model's text; ``None`` where it is not published."""
    name = openai_name(model)
    if _O200K.match(name):
        return "o200k_base"
    if _CL100K.match(name):
        return "cl100k_base"
    return None


def hidden_reasoning_of(model: str) -> bool:
    """It bills reasoning as output that a chat completion does not show.

    A member of such a family that is not known to show everything is taken to hide some: then its
    broken streams are not counted from what was relayed.
    """
    name = openai_name(model).rpartition("/")[2]
    return bool(_HIDDEN_REASONING.match(name)) and not _SHOWS_ALL.match(name)


def openai_name(model: str) -> str:
    """``model`` as OpenAI would name it: ``openai/gpt-4o`` and ``ft:gpt-4o:org::id`` lose their
    prefixes, which routers and fine-tuning put before the name.
    """
    return model.lower().removeprefix("openai/").removeprefix("azure/").removeprefix("ft:")
